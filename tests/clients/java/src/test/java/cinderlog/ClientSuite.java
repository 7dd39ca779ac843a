package cinderlog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.api.core.ApiFuture;
import com.google.api.gax.rpc.ApiException;
import com.google.cloud.firestore.CollectionReference;
import com.google.cloud.firestore.DocumentReference;
import com.google.cloud.firestore.DocumentSnapshot;
import com.google.cloud.firestore.Firestore;
import com.google.cloud.firestore.FirestoreException;
import com.google.cloud.firestore.FirestoreOptions;
import com.google.cloud.firestore.Query;
import com.google.cloud.firestore.WriteBatch;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;

/**
 * The official Java client, unmodified, against the ambient emulator; what it sends is read in the server's own request
 * log. Each test has a project of its own.
 */
abstract class ClientSuite {
  final Firestore db = connect(System.getenv("FIRESTORE_EMULATOR_HOST"));

  @AfterEach
  void close() throws Exception {
    db.close();
  }

  static Firestore connect(String host) {
    return FirestoreOptions.newBuilder().setProjectId("test-" + UUID.randomUUID().toString().substring(0, 13))
        .setEmulatorHost(host).build().getService();
  }

  /** The result of a call, within a minute; an error as what the client throws. */
  static <T> T done(ApiFuture<T> call) throws Exception {
    return call.get(60, TimeUnit.SECONDS);
  }

  /** Checks that a call fails with this code. */
  static void refused(String code, ApiFuture<?> call) {
    assertEquals(code, codeOf(assertThrows(ExecutionException.class, () -> done(call))));
  }

  static String codeOf(Throwable error) {
    for (Throwable e = error; e != null; e = e.getCause()) {
      if (e instanceof FirestoreException f && f.getStatus() != null) {
        return f.getStatus().getCode().name();
      }
      if (e instanceof ApiException a) {
        return a.getStatusCode().getCode().name();
      }
    }
    throw new AssertionError("no code in it", error);
  }

  DocumentReference doc(String path) {
    return db.document(path);
  }

  Map<String, Object> read(String path) throws Exception {
    return done(doc(path).get()).getData();
  }

  /** Writes the documents in one batch. */
  void fill(Map<String, Map<String, Object>> documents) throws Exception {
    WriteBatch batch = db.batch();
    documents.forEach((path, data) -> batch.set(doc(path), data));
    done(batch.commit());
  }

  static List<String> ids(Query query) throws Exception {
    return done(query.get()).getDocuments().stream().map(DocumentSnapshot::getId).toList();
  }

  static List<String> collectionIds(Iterable<CollectionReference> collections) {
    List<String> names = new ArrayList<>();
    collections.forEach(c -> names.add(c.getId()));
    return names;
  }

  static List<String> documentIds(Iterable<DocumentReference> documents) {
    List<String> names = new ArrayList<>();
    documents.forEach(d -> names.add(d.getId()));
    return names;
  }

  /** The server's request log, from now on. */
  static final class Requests {
    private final Path log = Path.of(System.getenv("REQUEST_LOG"));
    private int seen = lines().size();

    /** All that has been answered: lines of reads come after their answers, but before the answer of a later write. */
    private List<String> lines() {
      URI marker = URI.create("http://" + System.getenv("FIRESTORE_EMULATOR_HOST")
          + "/v1/projects/marker/databases/(default)/documents/marker");
      try {
        HttpClient.newHttpClient().send(HttpRequest.newBuilder(marker).header("authorization", "Bearer owner")
            .header("content-type", "application/json").POST(HttpRequest.BodyPublishers.ofString("{}")).build(),
            HttpResponse.BodyHandlers.discarding());
        return Files.readAllLines(log);
      } catch (IOException | InterruptedException e) {
        throw new AssertionError(e);
      }
    }

    /** The codes answered to calls of this RPC since the last look. */
    List<String> codes(String rpc) {
      List<String> codes = new ArrayList<>();
      List<String> lines = lines();
      for (String line : lines.subList(seen, lines.size())) {
        JsonObject call = JsonParser.parseString(line).getAsJsonObject();
        if (call.get("rpc").getAsString().equals(rpc)) {
          codes.add(call.get("code").getAsString());
        }
      }
      seen = lines.size();
      return codes;
    }
  }
}
