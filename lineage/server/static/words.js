// SPDX-License-Identifier: Apache-2.0
// What the page says about an answer: its certificate in words, and the same request elsewhere.

const CUTS = {
  depth: "it goes on beyond the depth asked for",
  limit: "it holds more than the limit asked for",
  time: "the time for one request was up",
  permission: "some of it is not yours to see",
};

/** The parts of a result that are answers: objects with a certificate. */
export function answers(data) {
  const found = [];
  const look = (name, value) => {
    if (value === null || typeof value !== "object") return;
    if (value.certificate) found.push([name, value]);
    else for (const [key, inner] of Object.entries(value)) look(key, inner);
  };
  look("answer", data);
  return found;
}

/** One certificate as a sentence, and whether the answer is whole. */
export function certified(name, answer) {
  const told = answer.certificate;
  const count = (list, one, many) => (list ? [`${list.length} ${list.length === 1 ? one : many}`] : []);
  const sizes = [
    ...count(answer.nodes, "thing", "things"),
    ...count(answer.edges, "link", "links"),
  ].join(", ");
  const at = `as of entry ${told.as_of}${told.root ? ` (ledger ${told.root.slice(0, 12)})` : ""}`;
  if (told.complete) return { whole: true, text: `${name}: complete. ${sizes}, ${at}.` };
  const why = CUTS[told.cut?.reason] ?? "it was cut";
  const left = told.cut?.left ? `; ${told.cut.left} things are known to lie beyond` : "";
  return { whole: false, text: `${name}: not complete, because ${why}${left}. ${sizes}, ${at}.` };
}

/** Errors of GraphQL or problems of the server, one line each, with the next step. */
export function failures(body) {
  const list = body.errors ?? (body.code ? [body] : []);
  return list.map((error) => {
    const code = error.extensions?.code ?? error.code;
    const hint = error.extensions?.hint ?? error.hint;
    return `${code ? `[${code}] ` : ""}${error.message ?? error.detail}${hint ? `\n${hint}` : ""}`;
  });
}

/** The request as a curl command for a POSIX shell; the token comes from the environment. */
export function curl(address, body) {
  const quoted = `'${JSON.stringify(body).replaceAll("'", "'\\''")}'`;
  return [
    `curl -sS ${address}`,
    `  -H "Authorization: Bearer $LINEAGE_TOKEN"`,
    `  -H 'Content-Type: application/json'`,
    `  --data-binary ${quoted}`,
  ].join(" \\\n");
}

/** The request as a Python program with nothing but the standard library. */
export function python(address, body) {
  const literal = JSON.stringify(JSON.stringify(body));
  return `import json
import os
import urllib.request

request = urllib.request.Request(
    ${JSON.stringify(address)},
    data=${literal}.encode(),
    headers={
        "Authorization": f"Bearer {os.environ['LINEAGE_TOKEN']}",
        "Content-Type": "application/json",
    },
)
with urllib.request.urlopen(request) as answer:
    print(json.dumps(json.load(answer), indent=2, ensure_ascii=False))
`;
}
