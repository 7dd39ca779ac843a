package cinderlog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A server of the test's own, of the binary EMULATOR_BINARY; its data outlives a restart. */
final class Server {
  private final Path folder;
  private final List<String> flags;
  private String port = "0";
  private Process process;

  /** Starts one in this folder. */
  Server(Path folder, String... flags) throws Exception {
    this.folder = folder;
    this.flags = List.of(flags);
    start();
  }

  /** One whose clients are ann, who may do what these matches of rules let her. */
  static Server asUser(Path folder, String matches) throws Exception {
    Path rules = Files.writeString(folder.resolve("firestore.rules"),
        "rules_version = '2';\nservice cloud.firestore { match /databases/{d}/documents {\n" + matches + "\n} }\n");
    Path ann = Files.writeString(folder.resolve("ann.json"), "{\"uid\": \"ann\"}");
    return new Server(folder, "--rules", rules.toString(), "--owner-as", ann.toString());
  }

  String host() {
    return "127.0.0.1:" + port;
  }

  void start() throws Exception {
    Path portFile = folder.resolve("port");
    List<String> command = new ArrayList<>(List.of(System.getenv("EMULATOR_BINARY"), "serve", "--port", port,
        "--port-file", portFile.toString(), "--data", folder.resolve("data").toString()));
    command.addAll(flags);
    process = new ProcessBuilder(command).redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("output").toFile())).start();
    while (!Files.exists(portFile)) {
      assertTrue(process.isAlive(), () -> "the server ended: " + output());
      Thread.sleep(10);
    }
    port = Files.readString(portFile).strip();
  }

  private String output() {
    try {
      return Files.readString(folder.resolve("output"));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** What /metrics says. */
  List<String> metrics() throws Exception {
    URI page = URI.create("http://" + host() + "/metrics");
    return HttpClient.newHttpClient().send(HttpRequest.newBuilder(page).build(), HttpResponse.BodyHandlers.ofString())
        .body().lines().toList();
  }

  void stop() throws Exception {
    process.destroy();
    assertTrue(process.waitFor(60, TimeUnit.SECONDS), this::output);
    assertEquals(0, process.exitValue(), this::output);
  }
}
