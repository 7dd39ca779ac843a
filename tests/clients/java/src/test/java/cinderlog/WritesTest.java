package cinderlog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.api.core.ApiFuture;
import com.google.cloud.Timestamp;
import com.google.cloud.firestore.Blob;
import com.google.cloud.firestore.BulkWriter;
import com.google.cloud.firestore.BulkWriterException;
import com.google.cloud.firestore.CollectionReference;
import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.DocumentSnapshot;
import com.google.cloud.firestore.FieldPath;
import com.google.cloud.firestore.FieldValue;
import com.google.cloud.firestore.GeoPoint;
import com.google.cloud.firestore.Precondition;
import com.google.cloud.firestore.SetOptions;
import com.google.cloud.firestore.WriteResult;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class WritesTest extends ClientSuite {
  @Test
  void addThenGetReturnsWhatWasWritten() throws Exception {
    DocumentReference ref = done(db.collection("logs").add(Map.of("request_id", "r1", "n", 1)));
    DocumentSnapshot snapshot = done(ref.get());
    assertEquals(Map.of("request_id", "r1", "n", 1L), snapshot.getData());
    assertEquals(snapshot.getCreateTime(), snapshot.getUpdateTime());
    assertEquals(20, ref.getId().length());
  }

  @Test
  void everyValueTypeSurvives() throws Exception {
    Map<String, Object> data = new HashMap<>();
    data.put("null", null);
    data.put("yes", true);
    data.put("int", Long.MIN_VALUE);
    data.put("big", Long.MAX_VALUE);
    data.put("float", 1.5);
    data.put("nan", Double.NaN);
    data.put("text", "größe 😀 \0 end");
    data.put("bytes", Blob.fromBytes(new byte[] {0, 1, -1}));
    data.put("when", Timestamp.ofTimeSecondsAndNanos(1767323045, 678901000));
    data.put("where", new GeoPoint(-12.5, 170.25));
    data.put("ref", doc("c/d"));
    data.put("list", List.of(1L, "two", Map.of("three", List.of(4L))));
    data.put("map", Map.of("a", Map.of("b", Map.of("c", 1L))));
    data.put("empty map", Map.of());
    data.put("empty list", List.of());
    data.put("vector", FieldValue.vector(new double[] {1.5, -2}));
    done(doc("types/all").set(data));
    assertEquals(data, read("types/all"));
  }

  @Test
  void aMissingDocumentDoesNotExist() throws Exception {
    DocumentSnapshot snapshot = done(doc("c/missing").get());
    assertFalse(snapshot.exists());
    assertNull(snapshot.getData());
    assertNotNull(snapshot.getReadTime());
  }

  @Test
  void setMergeKeepsTheOtherFields() throws Exception {
    DocumentReference ref = doc("c/d");
    done(ref.set(Map.of("a", Map.of("b", 1, "c", 1), "n", 1)));
    done(ref.set(Map.of("a", Map.of("c", 2), "new", "x"), SetOptions.merge()));
    assertEquals(Map.of("a", Map.of("b", 1L, "c", 2L), "n", 1L, "new", "x"), read("c/d"));
    done(ref.set(Map.of("a", Map.of("b", 9, "c", 9)), SetOptions.mergeFields("a.b")));
    assertEquals(Map.of("a", Map.of("b", 9L, "c", 2L), "n", 1L, "new", "x"), read("c/d"));
    done(ref.set(Map.of("only", true)));
    assertEquals(Map.of("only", true), read("c/d"));
  }

  @Test
  void updatesOfPathsAndTransforms() throws Exception {
    DocumentReference ref = doc("c/d");
    done(ref.set(Map.of("a", Map.of("b", 1, "c", 1), "odd.name", 1, "i", 40, "f", 0.5, "tags", List.of("a", "b"),
        "less", List.of(1, 2, 1))));
    done(ref.update(FieldPath.of("odd.name"), 2, FieldPath.of("a", "b"), 2, FieldPath.of("a", "c"),
        FieldValue.delete()));
    done(ref.update("i", FieldValue.increment(2), "f", FieldValue.increment(1.0),
        "tags", FieldValue.arrayUnion("b", "c"), "less", FieldValue.arrayRemove(1),
        "at", FieldValue.serverTimestamp()));
    Map<String, Object> data = read("c/d");
    assertTrue(data.remove("at") instanceof Timestamp);
    assertEquals(Map.of("a", Map.of("b", 2L), "odd.name", 2L, "i", 42L, "f", 1.5, "tags", List.of("a", "b", "c"),
        "less", List.of(2L)), data);
  }

  @Test
  void preconditionsOnTheUpdateTime() throws Exception {
    DocumentReference ref = doc("c/d");
    Timestamp first = done(ref.set(Map.of("n", 1))).getUpdateTime();
    Timestamp second = done(ref.update(Map.of("n", 2), Precondition.updatedAt(first))).getUpdateTime();
    assertTrue(second.compareTo(first) > 0);
    refused("FAILED_PRECONDITION", ref.delete(Precondition.updatedAt(first)));
    assertEquals(Map.of("n", 2L), read("c/d"));
    done(ref.delete(Precondition.updatedAt(second)));
    assertFalse(done(ref.get()).exists());
  }

  @Test
  void aBatchGivesOneResultAWriteAtOneTime() throws Exception {
    List<WriteResult> results = done(db.batch().create(doc("c/a"), Map.of("n", 1)).set(doc("c/b"), Map.of("n", 2))
        .set(doc("c/b"), Map.of("m", 3), SetOptions.merge()).update(doc("c/a"), "n", FieldValue.increment(9))
        .delete(doc("c/none")).commit());
    assertEquals(5, results.size());
    assertEquals(results.get(0).getUpdateTime(), results.get(3).getUpdateTime());
    assertEquals(Map.of("n", 10L), read("c/a"));
    assertEquals(Map.of("n", 2L, "m", 3L), read("c/b"));
  }

  @Test
  void aBatchIsWrittenWholeOrNotAtAll() throws Exception {
    refused("NOT_FOUND", db.batch().set(doc("c/new"), Map.of()).update(doc("c/missing"), "n", 1).commit());
    assertEquals(List.of(), ids(db.collection("c")));
  }

  @Test
  void aBulkWriterWritesAndTellsOfEach() throws Exception {
    CollectionReference c = db.collection("bulk");
    fill(Map.of("bulk/taken", Map.of("n", 0), "bulk/merged", Map.of("a", 1), "bulk/gone", Map.of("n", 0)));
    List<String> refusals = Collections.synchronizedList(new ArrayList<>());
    List<ApiFuture<WriteResult>> created = new ArrayList<>();
    ApiFuture<WriteResult> taken;
    ApiFuture<WriteResult> missing;
    try (BulkWriter writer = db.bulkWriter()) {
      writer.addWriteErrorListener(e -> {
        refusals.add(e.getDocumentReference().getId() + " " + e.getStatus().getCode());
        return false;
      });
      for (int i = 0; i < 45; i++) { // more than two batches of 20
        created.add(writer.create(c.document(), Map.of("fresh", true)));
      }
      taken = writer.create(c.document("taken"), Map.of("n", 1));
      writer.set(c.document("merged"), Map.of("b", 2), SetOptions.merge());
      missing = writer.update(c.document("missing"), "n", 1);
      writer.delete(c.document("gone"));
    }
    for (ApiFuture<WriteResult> write : created) {
      assertNotNull(done(write).getUpdateTime());
    }
    refused("ALREADY_EXISTS", taken);
    refused("NOT_FOUND", missing);
    Collections.sort(refusals);
    assertEquals(List.of("missing NOT_FOUND", "taken ALREADY_EXISTS"), refusals);
    assertEquals(45, ids(c.whereEqualTo("fresh", true)).size());
    assertEquals(Map.of("n", 0L), read("bulk/taken"));
    assertEquals(Map.of("a", 1L, "b", 2L), read("bulk/merged"));
    assertFalse(done(c.document("gone").get()).exists());
  }

  @Test
  void aBulkWriterRetriesOnlyWhatItIsToldTo() throws Exception {
    done(doc("c/taken").set(Map.of()));
    Requests requests = new Requests();
    List<Integer> failures = Collections.synchronizedList(new ArrayList<>());
    try (BulkWriter writer = db.bulkWriter()) {
      writer.addWriteErrorListener((BulkWriterException e) -> {
        failures.add(e.getFailedAttempts());
        return e.getFailedAttempts() < 2;
      });
      writer.create(doc("c/taken"), Map.of());
    }
    assertEquals(List.of(1, 2), failures);
    assertEquals(List.of("OK", "OK"), requests.codes("BatchWrite")); // each write has its own code, inside
  }

  @Test
  void recursiveDeleteOfADocumentSparesItsNeighbours() throws Exception {
    for (String path : List.of("c/a", "c/a/s/1", "c/a/s/1/t/2", "c/a/s/phantom/t/3", "c/ab", "c/ab/s/1", "d/a")) {
      done(doc(path).set(Map.of("n", 1)));
    }
    done(db.recursiveDelete(doc("c/a")));
    assertEquals(List.of("ab"), ids(db.collection("c")));
    assertEquals(List.of("1"), ids(db.collectionGroup("s")));
    assertEquals(List.of(), ids(db.collectionGroup("t")));
    assertEquals(List.of("a"), ids(db.collection("d")));
  }

  @Test
  void recursiveDeleteOfACollection() throws Exception {
    for (int i = 0; i < 12; i++) {
      fill(Map.of("c/" + i, Map.of(), "c/" + i + "/s/x", Map.of(), "c/phantom" + i + "/s/y", Map.of(),
          "cc/" + i, Map.of()));
    }
    done(db.recursiveDelete(db.collection("c")));
    assertEquals(List.of("cc"), collectionIds(db.listCollections()));
    assertEquals(12, ids(db.collection("cc")).size());
  }
}
