package cinderlog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.api.core.ApiFuture;
import com.google.cloud.Timestamp;
import com.google.cloud.firestore.CollectionReference;
import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.DocumentSnapshot;
import com.google.cloud.firestore.QuerySnapshot;
import com.google.cloud.firestore.TransactionOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class TransactionsTest extends ClientSuite {
  @Test
  void aTransactionReadsDocumentsAndQueries() throws Exception {
    CollectionReference c = db.collection("bank");
    fill(Map.of("bank/a", Map.of("n", 5), "bank/b", Map.of("n", 7)));
    String found = done(db.runTransaction(tx -> {
      List<DocumentSnapshot> got = done(tx.getAll(c.document("a"), c.document("b"), c.document("missing")));
      assertFalse(got.get(2).exists());
      QuerySnapshot above = done(tx.get(c.whereGreaterThan("n", 5)));
      long all = done(tx.get(c.count())).getCount();
      tx.create(c.document("sum"), Map.of("n", got.get(0).getLong("n") + got.get(1).getLong("n"), "all", all));
      return above.getDocuments().stream().map(DocumentSnapshot::getId).collect(Collectors.joining(" "));
    }));
    assertEquals("b", found);
    assertEquals(Map.of("n", 12L, "all", 2L), read("bank/sum"));
  }

  @Test
  void contendedTransactionsLoseNoUpdate() throws Exception {
    DocumentReference ref = doc("bank/a");
    done(ref.set(Map.of("n", 0)));
    TransactionOptions stubborn = TransactionOptions.createReadWriteOptionsBuilder().setNumberOfAttempts(50).build();
    List<ApiFuture<Void>> running = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      running.add(db.runTransaction(tx -> {
        tx.update(ref, "n", done(tx.get(ref)).getLong("n") + 1);
        return null;
      }, stubborn));
    }
    for (ApiFuture<Void> transaction : running) {
      done(transaction);
    }
    assertEquals(Map.of("n", 12L), read("bank/a"));
  }

  @Test
  void aTransactionThatFailsWritesNothingAndLetsGo() throws Exception {
    DocumentReference ref = doc("c/d");
    done(ref.set(Map.of("n", 1)));
    IllegalStateException changed = new IllegalStateException("changed my mind");
    ExecutionException failed = assertThrows(ExecutionException.class, () -> done(db.runTransaction(tx -> {
      done(tx.get(ref));
      tx.update(ref, "n", 2);
      throw changed;
    })));
    assertSame(changed, failed.getCause());
    done(ref.set(Map.of("n", 3))); // waits for nobody
    assertEquals(Map.of("n", 3L), read("c/d"));
  }

  @Test
  void aReadOnlyTransactionSeesOneMoment() throws Exception {
    DocumentReference ref = doc("c/d");
    done(ref.set(Map.of("n", 1)));
    List<Long> seen = done(db.runTransaction(tx -> {
      long before = done(tx.get(ref)).getLong("n");
      done(ref.set(Map.of("n", 2)));
      return List.of(before, done(tx.get(ref)).getLong("n"));
    }, TransactionOptions.createReadOnlyOptionsBuilder().build()));
    assertEquals(List.of(1L, 1L), seen);
    assertEquals(Map.of("n", 2L), read("c/d"));
  }

  @Test
  void aReadOnlyTransactionAtAReadTime() throws Exception {
    DocumentReference ref = doc("c/d");
    Timestamp first = done(ref.set(Map.of("n", 1))).getUpdateTime();
    done(ref.set(Map.of("n", 2)));
    TransactionOptions then = TransactionOptions.createReadOnlyOptionsBuilder().setReadTime(first.toProto()).build();
    long seen = done(db.runTransaction(tx -> done(tx.get(ref)).getLong("n"), then));
    assertEquals(1, seen);
  }

  @Test
  void aRefusedWriteEndsTheTransactionAtOnce() throws Exception {
    done(doc("c/taken").set(Map.of("n", 1)));
    Requests requests = new Requests();
    AtomicInteger attempts = new AtomicInteger();
    refused("ALREADY_EXISTS", db.runTransaction(tx -> {
      attempts.incrementAndGet();
      tx.set(doc("c/other"), Map.of("n", 1));
      return tx.create(doc("c/taken"), Map.of("n", 2));
    }));
    assertEquals(1, attempts.get());
    assertEquals(List.of("ALREADY_EXISTS"), requests.codes("Commit"));
    assertEquals(List.of("taken"), ids(db.collection("c")));
  }
}
