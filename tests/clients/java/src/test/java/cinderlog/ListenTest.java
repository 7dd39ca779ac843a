package cinderlog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.cloud.firestore.CollectionReference;
import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.DocumentSnapshot;
import com.google.cloud.firestore.EventListener;
import com.google.cloud.firestore.Firestore;
import com.google.cloud.firestore.FirestoreException;
import com.google.cloud.firestore.ListenerRegistration;
import com.google.cloud.firestore.Query;
import com.google.cloud.firestore.QuerySnapshot;
import com.google.cloud.firestore.WriteBatch;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Snapshot listeners: what they are told, and that they go on where they were. */
class ListenTest extends ClientSuite {
  private static final long PATIENCE_S = 60;
  private static final Object GONE = "nothing";

  /** What one listener was told, not taken yet: snapshots and errors. */
  private static final class Told<T> implements EventListener<T> {
    private final BlockingQueue<Object> events = new LinkedBlockingQueue<>();

    @Override
    public void onEvent(T value, FirestoreException error) {
      events.add(error != null ? error : value);
    }

    private Object next() throws InterruptedException {
      Object event = events.poll(PATIENCE_S, TimeUnit.SECONDS);
      assertNotNull(event, "told nothing");
      return event;
    }

    @SuppressWarnings("unchecked")
    T snapshot() throws InterruptedException {
      Object event = next();
      if (event instanceof FirestoreException e) {
        throw new AssertionError(e);
      }
      return (T) event;
    }

    String error() throws InterruptedException {
      return codeOf((FirestoreException) next());
    }
  }

  private final List<ListenerRegistration> listening = new ArrayList<>();
  private Server server;
  private Firestore client = db; // of the test's own server, where it has one

  private void serve(Server own) {
    server = own;
    client = connect(own.host());
  }

  /** A client that is closed waits for its listeners. */
  @AfterEach
  void stopListening() throws Exception {
    listening.forEach(ListenerRegistration::remove);
    if (server != null) {
      client.close();
      server.stop();
    }
  }

  private Told<QuerySnapshot> listen(Query query) {
    Told<QuerySnapshot> told = new Told<>();
    listening.add(query.addSnapshotListener(told));
    return told;
  }

  /** The changes of the next snapshot, as "ADDED a 1": kind, id, field n. */
  private static List<String> changes(Told<QuerySnapshot> told) throws InterruptedException {
    return told.snapshot().getDocumentChanges().stream()
        .map(c -> c.getType() + " " + c.getDocument().getId() + " " + c.getDocument().get("n")).sorted().toList();
  }

  private static Object held(Told<DocumentSnapshot> told) throws InterruptedException {
    DocumentSnapshot snapshot = told.snapshot();
    return snapshot.exists() ? snapshot.getData() : GONE;
  }

  private static void eventually(Callable<Boolean> condition) throws Exception {
    for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_S); !condition.call(); Thread.sleep(10)) {
      assertTrue(System.nanoTime() < end, "it never was");
    }
  }

  private void set(String path, int n) throws Exception {
    done(client.document(path).set(Map.of("n", n)));
  }

  @Test
  void aListenerIsToldWhatComesChangesLeavesAndGoes() throws Exception {
    set("c/a", 1);
    Told<QuerySnapshot> told = listen(db.collection("c").whereGreaterThan("n", 0));
    assertEquals(List.of("ADDED a 1"), changes(told));
    set("c/b", 2);
    assertEquals(List.of("ADDED b 2"), changes(told));
    set("c/b", 3);
    assertEquals(List.of("MODIFIED b 3"), changes(told));
    set("c/b", 0);
    assertEquals(List.of("REMOVED b 3"), changes(told));
    done(doc("c/a").delete());
    assertEquals(List.of("REMOVED a 1"), changes(told));
  }

  @Test
  void oneCommitIsOneSnapshot() throws Exception {
    Told<QuerySnapshot> told = listen(db.collection("c"));
    assertEquals(List.of(), changes(told));
    WriteBatch batch = db.batch();
    for (int i = 0; i < 20; i++) {
      batch.create(doc("c/" + i), Map.of("n", i));
    }
    done(batch.commit());
    assertEquals(20, changes(told).size());
  }

  @Test
  void whatMovesIntoALimitComesWithWhatLeavesIt() throws Exception {
    fill(Map.of("c/a", Map.of("n", 1), "c/b", Map.of("n", 2), "c/c", Map.of("n", 3), "c/d", Map.of("n", 4)));
    Told<QuerySnapshot> first = listen(db.collection("c").orderBy("n").limit(2));
    Told<QuerySnapshot> last = listen(db.collection("c").orderBy("n").limitToLast(2));
    assertEquals(List.of("ADDED a 1", "ADDED b 2"), changes(first));
    assertEquals(List.of("ADDED c 3", "ADDED d 4"), changes(last));
    done(doc("c/a").delete());
    assertEquals(List.of("ADDED c 3", "REMOVED a 1"), changes(first));
    set("c/e", 5);
    assertEquals(List.of("ADDED e 5", "REMOVED c 3"), changes(last));
  }

  @Test
  void aDocumentIsToldOfBeforeItIsThereWhileItIsAndAfter() throws Exception {
    DocumentReference ref = doc("c/d");
    Told<DocumentSnapshot> told = new Told<>();
    listening.add(ref.addSnapshotListener(told));
    assertEquals(GONE, held(told));
    set("c/d", 1);
    assertEquals(Map.of("n", 1L), held(told));
    done(ref.delete());
    assertEquals(GONE, held(told));
  }

  @Test
  void severalListenersOfOneClientAreToldEachItsOwn() throws Exception {
    CollectionReference c = db.collection("c");
    Told<QuerySnapshot> low = listen(c.whereLessThan("n", 10));
    Told<QuerySnapshot> high = listen(c.whereGreaterThanOrEqualTo("n", 10));
    Told<QuerySnapshot> group = listen(db.collectionGroup("c"));
    for (Told<QuerySnapshot> told : List.of(low, high, group)) {
      assertEquals(List.of(), changes(told));
    }
    set("c/a", 5);
    assertEquals(List.of("ADDED a 5"), changes(low));
    assertEquals(List.of("ADDED a 5"), changes(group));
    set("c/a", 15);
    assertEquals(List.of("REMOVED a 5"), changes(low));
    assertEquals(List.of("ADDED a 15"), changes(high));
    assertEquals(List.of("MODIFIED a 15"), changes(group));
    set("x/y/c/b", 1);
    assertEquals(List.of("ADDED b 1"), changes(group));
  }

  @Test
  void aQueryThatCannotBeIsAnErrorOfItsListenerAlone() throws Exception {
    Told<QuerySnapshot> good = listen(db.collection("c"));
    assertEquals(List.of(), changes(good));
    assertEquals("INVALID_ARGUMENT", listen(db.collection("c").whereIn("n", Collections.nCopies(31, 1))).error());
    set("c/a", 1);
    assertEquals(List.of("ADDED a 1"), changes(good));
  }

  @Test
  void aListenerThatRulesDenyEndsWithPermissionDenied(@TempDir Path folder) throws Exception {
    serve(Server.asUser(folder, "match /open/{d} { allow read, write: if request.auth.uid == 'ann'; }"));
    Told<QuerySnapshot> open = listen(client.collection("open"));
    assertEquals(List.of(), changes(open));
    assertEquals("PERMISSION_DENIED", listen(client.collection("shut")).error());
    set("open/a", 1);
    assertEquals(List.of("ADDED a 1"), changes(open));
  }

  @Test
  void aListenerGoesOnAfterARestartOfTheServer(@TempDir Path folder) throws Exception {
    serve(new Server(folder));
    set("c/kept", 1);
    set("c/gone", 2);
    Told<QuerySnapshot> told = listen(client.collection("c"));
    assertEquals(List.of("ADDED gone 2", "ADDED kept 1"), changes(told));
    server.stop();
    server.start();
    eventually(() -> { // this client does not repeat a commit whose connection was lost
      try {
        done(client.batch().delete(client.document("c/gone")).set(client.document("c/new"), Map.of("n", 3)).commit());
        return true;
      } catch (ExecutionException e) {
        assertEquals("UNAVAILABLE", codeOf(e));
        return false;
      }
    });
    assertEquals(List.of("ADDED new 3", "REMOVED gone 2"), changes(told));
  }

  @Test
  void aListenerThatIsRemovedIsForgottenByTheServerAndToldNothingMore(@TempDir Path folder) throws Exception {
    serve(new Server(folder));
    Told<QuerySnapshot> removed = listen(client.collection("c"));
    Told<QuerySnapshot> other = listen(client.collection("c"));
    assertEquals(List.of(), changes(removed));
    assertEquals(List.of(), changes(other));
    eventually(() -> server.metrics().contains("cinderlog_listeners 2"));
    listening.get(0).remove();
    eventually(() -> server.metrics().contains("cinderlog_listeners 1"));
    set("c/a", 1);
    assertEquals(List.of("ADDED a 1"), changes(other));
    assertTrue(removed.events.isEmpty());
  }
}
