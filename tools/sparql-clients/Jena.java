// SPDX-License-Identifier: Apache-2.0
// Asks an endpoint with Apache Jena: each row, statement, or truth of the answer as one line.

import org.apache.jena.query.Query;
import org.apache.jena.query.QueryFactory;
import org.apache.jena.sparql.exec.http.QueryExecutionHTTP;

public class Jena {
    public static void main(String[] words) {
        Query query = QueryFactory.create(words[2]);
        var made = QueryExecutionHTTP.service(words[0]).query(query)
            .httpHeader("Authorization", "Bearer " + words[1]);
        try (QueryExecutionHTTP asked = made.build()) {
            if (query.isAskType()) {
                System.out.println(asked.execAsk());
            } else if (query.isConstructType()) {
                asked.execConstruct().listStatements().forEach(s -> System.out.println(
                    s.getSubject() + "\t" + s.getPredicate() + "\t" + s.getObject()));
            } else {
                var rows = asked.execSelect();
                rows.forEachRemaining(row -> System.out.println(String.join("\t",
                    rows.getResultVars().stream().map(name -> "" + row.get(name)).toList())));
            }
        }
    }
}
