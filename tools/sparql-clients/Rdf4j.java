// SPDX-License-Identifier: Apache-2.0
// Asks an endpoint with Eclipse RDF4J: each row, statement, or truth of the answer as one line.

import java.util.Map;
import org.eclipse.rdf4j.query.BooleanQuery;
import org.eclipse.rdf4j.query.GraphQuery;
import org.eclipse.rdf4j.query.QueryLanguage;
import org.eclipse.rdf4j.query.TupleQuery;
import org.eclipse.rdf4j.repository.sparql.SPARQLRepository;

public class Rdf4j {
    public static void main(String[] words) {
        var endpoint = new SPARQLRepository(words[0]);
        endpoint.setAdditionalHttpHeaders(Map.of("Authorization", "Bearer " + words[1]));
        try (var connection = endpoint.getConnection()) {
            var query = connection.prepareQuery(QueryLanguage.SPARQL, words[2]);
            if (query instanceof BooleanQuery asked) {
                System.out.println(asked.evaluate());
            } else if (query instanceof GraphQuery asked) {
                try (var found = asked.evaluate()) {
                    found.forEach(s -> System.out.println(s.getSubject().stringValue() + "\t"
                        + s.getPredicate().stringValue() + "\t" + s.getObject().stringValue()));
                }
            } else if (query instanceof TupleQuery asked) {
                try (var found = asked.evaluate()) {
                    var names = found.getBindingNames();
                    found.forEach(row -> System.out.println(String.join("\t",
                        names.stream().map(name -> row.getValue(name).stringValue()).toList())));
                }
            }
        } finally {
            endpoint.shutDown();
        }
    }
}
