// SPDX-License-Identifier: Apache-2.0
// Posts a body with Java's own client, in both versions that it speaks: it offers to upgrade to
// HTTP/2 unless it is told not to. Arguments: address, token, path, media type, body.

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

public class Post {
    public static void main(String[] given) throws Exception {
        for (HttpClient.Version version : HttpClient.Version.values()) {
            HttpClient client = HttpClient.newBuilder().version(version).build();
            HttpRequest request = HttpRequest.newBuilder(URI.create(given[0] + given[2]))
                .header("Authorization", "Bearer " + given[1])
                .header("Content-Type", given[3])
                .POST(HttpRequest.BodyPublishers.ofString(given[4]))
                .build();
            for (int time = 0; time < 2; time++) {
                HttpResponse<String> answer =
                    client.send(request, HttpResponse.BodyHandlers.ofString());
                System.out.println(version + " " + answer.statusCode());
            }
        }
    }
}
