// SPDX-License-Identifier: Apache-2.0
// Prints the results of graphql-http's audit of the server at the address given, as JSON.
import { auditServer } from "graphql-http";

const [url] = process.argv.slice(2);
const results = await auditServer({ url });
const shown = await Promise.all(
  results.map(async (result) => ({
    name: result.name,
    status: result.status,
    reason: result.reason ?? null,
    body: result.response ? await result.response.clone().text().catch(() => null) : null,
  })),
);
console.log(JSON.stringify(shown));
