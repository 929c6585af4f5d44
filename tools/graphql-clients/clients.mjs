// SPDX-License-Identifier: Apache-2.0
// Asks the server at the address given, with a token, as Apollo, urql and graphql-ws do; prints what
// each was answered, as JSON.
import crypto from "node:crypto";
import { ApolloClient, HttpLink, InMemoryCache, from, gql } from "@apollo/client/core/index.js";
import { createPersistedQueryLink } from "@apollo/client/link/persisted-queries/index.js";
import { cacheExchange, createClient, fetchExchange } from "@urql/core";
import { persistedExchange } from "@urql/exchange-persisted";
import { createClient as createSocketClient } from "graphql-ws";
import WebSocket from "ws";

const [address, token] = process.argv.slice(2);
const uri = `${address}/graphql`;
const headers = { authorization: `Bearer ${token}` };
const sha256 = async (text) => crypto.createHash("sha256").update(text).digest("hex");
const text = "query Held { stats { nodes } }";
const found = {};

async function step(name, work) {
  try {
    found[name] = await work();
  } catch (error) {
    found[name] = { error: String(error.message ?? error.reason ?? error), code: error.code };
  }
}

for (const useGETForHashedQueries of [false, true]) {
  await step(`apollo persisted, get ${useGETForHashedQueries}`, async () => {
    const link = from([
      createPersistedQueryLink({ sha256, useGETForHashedQueries }),
      new HttpLink({ uri, headers }),
    ]);
    const client = new ApolloClient({ cache: new InMemoryCache(), link });
    return (await client.query({ query: gql(text) })).data.stats.nodes;
  });
}

for (const preferGetForPersistedQueries of [false, true]) {
  await step(`urql persisted, get ${preferGetForPersistedQueries}`, async () => {
    const client = createClient({
      url: uri,
      exchanges: [
        cacheExchange,
        persistedExchange({ preferGetForPersistedQueries, generateHash: sha256 }),
        fetchExchange,
      ],
      fetchOptions: { headers },
    });
    const answer = await client.query(text, {}).toPromise();
    if (answer.error) throw answer.error;
    return answer.data.stats.nodes;
  });
}

class WithHeader extends WebSocket {
  constructor(url, protocols) {
    super(url, protocols, { headers });
  }
}

async function ask(options) {
  const url = uri.replace("http", "ws");
  const client = createSocketClient({ url, retryAttempts: 0, webSocketImpl: WebSocket, ...options });
  try {
    for await (const answer of client.iterate({ query: text })) return answer.data.stats.nodes;
  } finally {
    await client.dispose();
  }
}

await step("graphql-ws, token in the handshake", () => ask({ webSocketImpl: WithHeader }));
await step("graphql-ws, token in connection_init", () => ask({ connectionParams: headers }));
await step("graphql-ws, wrong token", () =>
  ask({ connectionParams: { authorization: "Bearer wrong" } }));

console.log(JSON.stringify(found));
process.exit(0);
