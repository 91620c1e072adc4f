import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Iterator;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What an LPS does with the connector (Java 17): MSS_TOKEN=… java Lps.java cr.xml correspondant@autre.mssante.fr
 *
 * The token comes from "mss-connector client add"; MSS_API only when the port is another one. JSON is read with
 * regular expressions to show it without a library; use yours.
 */
public final class Lps {
    private static final String API = System.getenv().getOrDefault("MSS_API", "http://127.0.0.1:8723/api/v1");
    private static final HttpClient HTTP = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    public static void main(String[] arguments) throws IOException, InterruptedException {
        Path document = Path.of(arguments[0]);

        // 1. Send. With the answer 202 the document is kept and survives power loss.
        String id = send(document, arguments[1], "CR-2026-0417");
        System.out.println("sent " + id);

        // 2. The same again, as after a break: the same key gives the same message, and nothing is sent twice.
        if (!send(document, arguments[1], "CR-2026-0417").equals(id)) {
            throw new IllegalStateException("sent twice");
        }

        // 3. What became of it?
        System.out.println("state " + values(text("/messages/" + id), "\"state\":\"([a-z_]+)\"").get(0));

        // 4. What arrived and was not taken yet: save its documents, then say that you have it.
        for (String received : values(text("/inbox?taken=false"), "\"id\":\"([0-9A-Z]{26})\"")) {
            for (String number : values(text("/inbox/" + received), "\"number\":([0-9]+)")) {
                HttpRequest wanted = request("/inbox/" + received + "/documents/" + number).build();
                Files.write(Path.of(received + "-" + number), ask(wanted, BodyHandlers.ofByteArray()).body());
            }
            ask(request("/inbox/" + received + "/taken").POST(BodyPublishers.noBody()).build(), BodyHandlers.ofString());
            System.out.println("received " + received);
        }

        // 5. Follow what happens, from the last number that you know (0: all that is kept). Never stop; here we do.
        HttpRequest following = request("/events").header("Last-Event-ID", "0").build();
        try (Stream<String> lines = ask(following, BodyHandlers.ofLines()).body()) {
            for (Iterator<String> each = lines.iterator(); each.hasNext();) {
                String line = each.next();
                if (line.startsWith("data:") && line.contains(id)) {
                    System.out.println("event " + line);
                    break;
                }
            }
        }
    }

    private static String send(Path document, String recipient, String key) throws IOException, InterruptedException {
        String body = """
            {"mailbox": "dr-modele", "recipients": [{"address": "%s"}],
             "documents": [{"name": "%s", "content": "%s"}]}
            """.formatted(recipient, document.getFileName(),
                Base64.getEncoder().encodeToString(Files.readAllBytes(document)));
        HttpRequest request = request("/messages").header("Content-Type", "application/json")
            .header("Idempotency-Key", key).POST(BodyPublishers.ofString(body)).build();
        String location = ask(request, BodyHandlers.ofString()).headers().firstValue("Location").orElseThrow();
        return location.substring(location.lastIndexOf('/') + 1);
    }

    private static HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(API + path))
            .header("Authorization", "Bearer " + System.getenv("MSS_TOKEN"));
    }

    private static String text(String path) throws IOException, InterruptedException {
        return ask(request(path).build(), BodyHandlers.ofString()).body();
    }

    /** A refusal is problem+json: act on its "code", show its "title_fr" and "cure_fr". */
    private static <T> HttpResponse<T> ask(HttpRequest request, HttpResponse.BodyHandler<T> handler)
            throws IOException, InterruptedException {
        HttpResponse<T> answer = HTTP.send(request, handler);
        if (answer.statusCode() >= 300) {
            throw new IOException(request.uri() + ": " + answer.statusCode() + " " + answer.body());
        }
        return answer;
    }

    private static List<String> values(String json, String pattern) {
        return Pattern.compile(pattern).matcher(json).results().map((MatchResult found) -> found.group(1)).toList();
    }
}
