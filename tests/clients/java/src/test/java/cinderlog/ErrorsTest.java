package cinderlog;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.api.core.ApiFuture;
import com.google.cloud.Timestamp;
import com.google.cloud.firestore.AggregateField;
import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.FieldValue;
import com.google.cloud.firestore.Precondition;
import com.google.cloud.firestore.VectorQuery.DistanceMeasure;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** Errors reach the caller with their code, at once: the request log shows that nothing was sent twice. */
class ErrorsTest extends ClientSuite {
  private static final Precondition STALE = Precondition.updatedAt(Timestamp.ofTimeSecondsAndNanos(1577836800, 0));

  private void sentOnce(String rpc, String code, Supplier<ApiFuture<?>> call) {
    Requests requests = new Requests();
    refused(code, call.get());
    assertEquals(List.of(code), requests.codes(rpc));
  }

  @Test
  void aRefusedWriteIsSentOnce() throws Exception {
    DocumentReference kept = doc("c/d");
    done(kept.set(Map.of("kept", true)));
    sentOnce("Commit", "ALREADY_EXISTS", () -> kept.create(Map.of()));
    sentOnce("Commit", "NOT_FOUND", () -> doc("c/no").update("a", 1));
    sentOnce("Commit", "FAILED_PRECONDITION", () -> kept.update(Map.of("a", 1), STALE));
    sentOnce("Commit", "FAILED_PRECONDITION", () -> kept.delete(STALE));
    sentOnce("Commit", "INVALID_ARGUMENT", () -> doc("c/__d__").set(Map.of()));
    sentOnce("Commit", "INVALID_ARGUMENT", () -> kept.set(Map.of("__f__", 1)));
    sentOnce("Commit", "INVALID_ARGUMENT", () -> kept.set(Map.of("a", List.of(List.of(1)))));
    sentOnce("Commit", "INVALID_ARGUMENT", () -> kept.set(Map.of("a", "x".repeat(1 << 20))));
    assertEquals(Map.of("kept", true), read("c/d"));
  }

  @Test
  void aRefusedReadIsSentOnce() throws Exception {
    sentOnce("RunQuery", "INVALID_ARGUMENT",
        () -> db.collection("c").whereNotEqualTo("a", 1).whereNotIn("a", List.of(2)).get());
    sentOnce("RunQuery", "INVALID_ARGUMENT", () -> db.collection("c").whereIn("a", Collections.nCopies(31, 1)).get());
    done(doc("c/d").set(Map.of("v", FieldValue.vector(new double[] {1}))));
    sentOnce("RunQuery", "INVALID_ARGUMENT",
        () -> db.collection("c").findNearest("v", new double[] {1}, 1001, DistanceMeasure.EUCLIDEAN).get());
    sentOnce("RunAggregationQuery", "INVALID_ARGUMENT",
        () -> db.collection("c").aggregate(AggregateField.count(), AggregateField.sum("a"), AggregateField.sum("b"),
            AggregateField.sum("c"), AggregateField.sum("d"), AggregateField.sum("e")).get());
  }

  @Test
  void aPipelineIsUnimplementedAndSaysSo() {
    sentOnce("ExecutePipeline", "UNIMPLEMENTED", () -> db.pipeline().collection("c").execute());
  }
}
