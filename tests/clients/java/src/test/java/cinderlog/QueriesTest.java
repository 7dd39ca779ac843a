package cinderlog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.cloud.firestore.AggregateField;
import com.google.cloud.firestore.AggregateQuerySnapshot;
import com.google.cloud.firestore.CollectionReference;
import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.DocumentSnapshot;
import com.google.cloud.firestore.ExplainOptions;
import com.google.cloud.firestore.ExplainResults;
import com.google.cloud.firestore.FieldMask;
import com.google.cloud.firestore.FieldPath;
import com.google.cloud.firestore.FieldValue;
import com.google.cloud.firestore.Filter;
import com.google.cloud.firestore.Query;
import com.google.cloud.firestore.Query.Direction;
import com.google.cloud.firestore.QueryDocumentSnapshot;
import com.google.cloud.firestore.QueryPartition;
import com.google.cloud.firestore.QuerySnapshot;
import com.google.cloud.firestore.VectorQuery.DistanceMeasure;
import com.google.cloud.firestore.VectorQueryOptions;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class QueriesTest extends ClientSuite {
  private CollectionReference cities() throws Exception {
    Map<String, Object> nue = new HashMap<>();
    nue.putAll(Map.of("n", 1, "state", "BY", "tags", List.of(), "area", Map.of("km", 186)));
    nue.put("note", null);
    fill(Map.of("cities/ber", Map.of("n", 3, "state", "BE", "tags", List.of("a", "b"), "area", Map.of("km", 892)),
        "cities/ham", Map.of("n", 2, "state", "HH", "tags", List.of("b"), "area", Map.of("km", 755)),
        "cities/muc", Map.of("n", 1, "state", "BY", "tags", List.of("c"), "area", Map.of("km", 311)),
        "cities/nue", nue,
        "cities/odd", Map.of("n", Double.NaN, "state", "", "tags", "a")));
    return db.collection("cities");
  }

  private static void finds(String expected, Query query) throws Exception {
    assertEquals(expected, String.join(" ", ids(query)));
  }

  @Test
  void eachOperator() throws Exception {
    CollectionReference c = cities();
    finds("muc nue", c.whereEqualTo("n", 1));
    finds("muc nue", c.whereEqualTo("n", 1.0));
    finds("odd ham ber", c.whereNotEqualTo("n", 1));
    finds("muc nue", c.whereLessThan("n", 2));
    finds("muc nue ham", c.whereLessThanOrEqualTo("n", 2));
    finds("ber", c.whereGreaterThan("n", 2));
    finds("ham ber", c.whereGreaterThanOrEqualTo("n", 2));
    finds("ber muc nue", c.whereIn("n", List.of(1, 3)));
    finds("odd ham", c.whereNotIn("n", List.of(1, 3)));
    finds("odd", c.whereEqualTo("n", Double.NaN));
    finds("muc nue ham ber", c.whereNotEqualTo("n", Double.NaN));
    finds("ber ham", c.whereArrayContains("tags", "b"));
    finds("ber muc", c.whereArrayContainsAny("tags", List.of("a", "c")));
    finds("nue", c.whereEqualTo("tags", List.of()));
    finds("nue", c.whereEqualTo("note", null));
    finds("odd ber muc nue ham", c.whereNotEqualTo("state", null));
    finds("ham ber", c.whereGreaterThan("area.km", 500));
    finds("muc", c.whereEqualTo("area", Map.of("km", 311)));
    finds("muc nue odd", c.whereGreaterThan(FieldPath.documentId(), "ham"));
    finds("ber odd", c.whereIn(FieldPath.documentId(), List.of("odd", "ber")));
  }

  @Test
  void compositeFiltersNest() throws Exception {
    CollectionReference c = cities();
    finds("nue muc", c.where(Filter.and(Filter.equalTo("state", "BY"),
        Filter.or(Filter.greaterThan("area.km", 300), Filter.equalTo("note", null)))).orderBy("area.km"));
    finds("ham muc", c.whereLessThan("n", 3).whereGreaterThan("area.km", 200).orderBy("area.km", Direction.DESCENDING));
  }

  @Test
  void cursorsOfEveryKind() throws Exception {
    CollectionReference c = cities();
    Query q = c.orderBy("area.km"); // nue 186, muc 311, ham 755, ber 892
    finds("muc ham ber", q.startAt(311));
    finds("ham ber", q.startAfter(311));
    finds("nue muc ham", q.endAt(755));
    finds("nue muc", q.endBefore(755));
    finds("muc ham", q.startAt(300).endBefore(800));
    finds("ham ber", q.limitToLast(2));
    finds("muc ham", q.offset(1).limit(2));
    DocumentSnapshot muc = done(c.document("muc").get());
    finds("nue ham ber", c.orderBy("n").startAfter(muc));
    finds("odd muc", c.orderBy("n").endAt(muc));
  }

  @Test
  void pagesAddUpToTheWhole() throws Exception {
    Map<String, Map<String, Object>> everything = new HashMap<>();
    List<String> expected = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      everything.put("many/%03d".formatted(i), Map.of("g", i % 7));
      expected.add("%d %03d".formatted(i % 7, i));
    }
    fill(everything);
    expected.sort(null);
    Query query = db.collection("many").orderBy("g").limit(9);
    List<String> seen = new ArrayList<>();
    List<QueryDocumentSnapshot> page = done(query.get()).getDocuments();
    while (!page.isEmpty()) {
      page.forEach(s -> seen.add(s.getLong("g") + " " + s.getId()));
      page = done(query.startAfter(page.get(page.size() - 1)).get()).getDocuments();
    }
    assertEquals(expected, seen);
  }

  @Test
  void aProjectionReturnsOnlyWhatWasAsked() throws Exception {
    CollectionReference c = cities();
    QuerySnapshot first = done(c.select("area.km", "state").limit(1).get());
    assertEquals(Map.of("area", Map.of("km", 892L), "state", "BE"), first.getDocuments().get(0).getData());
    assertEquals(Map.of(), done(c.select(new FieldPath[0]).limit(1).get()).getDocuments().get(0).getData());
    assertEquals(Map.of("n", 3L), done(c.document("ber").get(FieldMask.of("n"))).getData());
  }

  @Test
  void getAllTellsTheMissingInOrder() throws Exception {
    CollectionReference c = cities();
    List<String> got = done(db.getAll(c.document("muc"), c.document("nowhere"), c.document("ber"))).stream()
        .map(s -> s.getId() + " " + s.exists()).toList();
    assertEquals(List.of("muc true", "nowhere false", "ber true"), got);
  }

  @Test
  void countSumAndAverage() throws Exception {
    CollectionReference c = cities();
    AggregateField.SumAggregateField sum = AggregateField.sum("n");
    AggregateField.AverageAggregateField average = AggregateField.average("n");
    Query positive = c.whereGreaterThanOrEqualTo("n", 1);
    AggregateQuerySnapshot got = done(positive.aggregate(AggregateField.count(), sum, average).get());
    assertEquals(4, got.getCount());
    assertEquals(7L, got.get(sum));
    assertEquals(1.75, got.get(average));
    Query nothing = c.whereGreaterThan("n", 100);
    AggregateQuerySnapshot none = done(nothing.aggregate(AggregateField.count(), sum, average).get());
    assertEquals(0, none.getCount());
    assertEquals(0L, none.get(sum));
    assertNull(none.get(average));
    assertEquals(2, done(c.limit(2).count().get()).getCount());
    AggregateField.SumAggregateField area = AggregateField.sum("area.km");
    assertEquals(892L + 755, done(c.orderBy("area.km").startAfter(311).aggregate(area).get()).get(area));
    assertEquals(Double.NaN, done(c.aggregate(sum).get()).get(sum));
  }

  private void landmarks() throws Exception {
    fill(Map.of("cities/a/landmarks/1", Map.of("n", 1), "cities/b/landmarks/2", Map.of("n", 2), "cities/b/landmarks/3",
        Map.of("n", 3), "landmarks/4", Map.of("n", 4), "x/y/z/w/landmarks/5", Map.of("n", 5), "cities/b/landmarksX/6",
        Map.of("n", 6)));
  }

  @Test
  void collectionGroupsReachEveryDepth() throws Exception {
    landmarks();
    finds("1 2 3 4 5", db.collectionGroup("landmarks"));
    finds("5 4 3", db.collectionGroup("landmarks").whereGreaterThan("n", 2).orderBy("n", Direction.DESCENDING));
    assertEquals(5, done(db.collectionGroup("landmarks").count().get()).getCount());
    DocumentReference from = doc("cities/b/landmarks/2");
    finds("3 4 5", db.collectionGroup("landmarks").whereGreaterThan(FieldPath.documentId(), from));
  }

  @Test
  void partitionsCoverTheGroupOnceAndInOrder() throws Exception {
    List<String> expected = new ArrayList<>();
    for (String parent : List.of("a/1", "b/2")) {
      Map<String, Map<String, Object>> part = new HashMap<>();
      for (int i = 0; i < 200; i++) {
        String id = "%04d".formatted(expected.size());
        part.put(parent + "/group/" + id, Map.of());
        expected.add(id);
      }
      fill(part);
    }
    List<QueryPartition> partitions = done(db.collectionGroup("group").getPartitions(4));
    assertTrue(partitions.size() >= 2 && partitions.size() <= 4, partitions.size() + " partitions");
    List<String> seen = new ArrayList<>();
    for (QueryPartition partition : partitions) {
      seen.addAll(ids(partition.createQuery()));
    }
    assertEquals(expected, seen);
  }

  @Test
  void collectionsOfTheRootAndOfADocument() throws Exception {
    landmarks();
    assertEquals(List.of("cities", "landmarks", "x"), collectionIds(db.listCollections()));
    assertEquals(List.of("landmarks", "landmarksX"), collectionIds(doc("cities/b").listCollections()));
    assertEquals(List.of(), collectionIds(doc("landmarks/4").listCollections()));
  }

  @Test
  void listDocumentsNamesTheMissingParents() throws Exception {
    landmarks();
    done(doc("cities/c").set(Map.of()));
    assertEquals(List.of("a", "b", "c"), documentIds(db.collection("cities").listDocuments()));
    finds("c", db.collection("cities"));
  }

  private static String near(Query query, DistanceMeasure measure, VectorQueryOptions options) throws Exception {
    List<String> found = new ArrayList<>();
    done(query.findNearest("v", new double[] {1, 0}, 3, measure, options).get())
        .forEach(s -> found.add("%s %.2f".formatted(s.getId(), s.getDouble("far"))));
    return String.join(", ", found);
  }

  @Test
  void nearestNeighbours() throws Exception {
    fill(Map.of("points/a", Map.of("v", FieldValue.vector(new double[] {1, 0}), "even", false),
        "points/b", Map.of("v", FieldValue.vector(new double[] {0, 2}), "even", true),
        "points/c", Map.of("v", FieldValue.vector(new double[] {3, 4}), "even", false),
        "points/d", Map.of("v", FieldValue.vector(new double[] {-1, 0}), "even", true),
        "points/other", Map.of("v", List.of(1.0, 0.0)))); // a list is no vector
    CollectionReference points = db.collection("points");
    VectorQueryOptions far = VectorQueryOptions.newBuilder().setDistanceResultField("far").build();
    assertEquals("a 0.00, d 2.00, b 2.24", near(points, DistanceMeasure.EUCLIDEAN, far));
    assertEquals("a 0.00, c 0.40, b 1.00", near(points, DistanceMeasure.COSINE, far));
    assertEquals("c 3.00, a 1.00, b 0.00", near(points, DistanceMeasure.DOT_PRODUCT, far));
    VectorQueryOptions within =
        VectorQueryOptions.newBuilder().setDistanceResultField("far").setDistanceThreshold(2.0).build();
    assertEquals("d 2.00", near(points.whereEqualTo("even", true), DistanceMeasure.EUCLIDEAN, within));
  }

  @Test
  void aPlanWithResultsAndFigures() throws Exception {
    Query query = cities().whereEqualTo("n", 1);
    ExplainOptions analyze = ExplainOptions.builder().setAnalyze(true).build();
    ExplainResults<QuerySnapshot> run = done(query.explain(analyze));
    assertEquals(2, run.getSnapshot().size());
    assertEquals(2, run.getMetrics().getExecutionStats().getResultsReturned());
    assertNotNull(run.getMetrics().getPlanSummary());
    ExplainResults<QuerySnapshot> planned = done(query.explain(ExplainOptions.builder().setAnalyze(false).build()));
    assertNull(planned.getSnapshot());
    assertNull(planned.getMetrics().getExecutionStats());
    assertNotNull(planned.getMetrics().getPlanSummary());
    ExplainResults<AggregateQuerySnapshot> count = done(query.count().explain(analyze));
    assertEquals(2, count.getSnapshot().getCount());
    assertEquals(1, count.getMetrics().getExecutionStats().getResultsReturned());
  }

  @Test
  void aQueryIsTheSameAfterATripOverTheWire() throws Exception {
    DocumentReference ham = cities().document("ham");
    Query query = db.collection("cities").whereGreaterThan("n", 0).orderBy("n").startAfter(done(ham.get()));
    assertEquals(List.of("ber"), ids(Query.fromProto(db, query.toProto())));
  }
}
