// SPDX-License-Identifier: Apache-2.0
// The page to ask from. What comes from the store only ever becomes text, never markup.

import { EXAMPLES } from "./examples.js";
import { answers, certified, curl, failures, python } from "./words.js";

const MOST_ROWS = 2000;
const part = (id) => document.getElementById(id);
const query = part("query");
const variables = part("variables");
let running = null;

function say(text, mood = "") {
  part("certificate").textContent = text;
  part("certificate").className = `note ${mood}`;
}

/** What would be sent; throws with a sentence when the variables are no JSON object. */
function body() {
  let values;
  try {
    values = JSON.parse(variables.value.trim() || "{}");
  } catch (error) {
    throw new Error(`The variables are not JSON: ${error.message}`);
  }
  if (values === null || typeof values !== "object" || Array.isArray(values)) {
    throw new Error('The variables are a JSON object, such as {"ref": "model:fraud@v3"}.');
  }
  return { query: query.value, variables: values };
}

async function run() {
  running?.abort();
  const mine = (running = new AbortController());
  part("stop").disabled = false;
  say("Asking ...");
  try {
    const answer = await fetch(`${location.origin}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify(body()),
      signal: mine.signal,
    });
    show(await answer.json().catch(() => ({ code: `http-${answer.status}`, detail: answer.statusText })));
  } catch (error) {
    say(error.name === "AbortError" ? "Stopped." : error.message, "bad");
  } finally {
    if (running === mine) part("stop").disabled = true;
  }
}

function show(result) {
  part("json").textContent = JSON.stringify(result, null, 2);
  const failed = failures(result);
  const found = answers(result.data ?? null);
  const told = found.map(([name, answer]) => certified(name, answer));
  if (failed.length) say(failed.join("\n"), "bad");
  else if (told.length) say(told.map((one) => one.text).join("\n"), told.every((one) => one.whole) ? "good" : "warn");
  else say("Answered.");
  const tables = found.flatMap(([name, answer]) => drawn(name, answer));
  const nothing = document.createElement("p");
  nothing.textContent = "Nothing to list here; see JSON.";
  part("things").replaceChildren(...(tables.length ? tables : [nothing]));
}

/** Tables of an answer: its things by kind, then its links by the names of their ends. */
function drawn(name, answer) {
  const nodes = answer.nodes ?? [];
  const label = new Map(nodes.map((node) => [node.id, node.label ?? node.id]));
  const things = nodes
    .toSorted((a, b) => a.kind.localeCompare(b.kind) || String(a.label).localeCompare(String(b.label)))
    .map((node) => [["kind", node.kind], ["", node.label ?? ""], ["id", node.id]]);
  const links = (answer.edges ?? []).map((edge) => [
    ["", label.get(edge.effect) ?? edge.effect],
    ["kind", edge.type],
    ["", label.get(edge.cause) ?? edge.cause],
  ]);
  return [
    ...table(`${name}: things`, ["Kind", "Name", "Identifier"], things),
    ...table(`${name}: links`, ["Effect", "Relation", "Cause"], links),
  ];
}

function table(caption, heads, rows) {
  if (!rows.length) return [];
  const made = document.createElement("table");
  const more = rows.length > MOST_ROWS ? `, the first ${MOST_ROWS} (JSON has all)` : "";
  made.createCaption().textContent = `${caption} (${rows.length}${more})`;
  const head = made.createTHead().insertRow();
  for (const text of heads) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = text;
    head.append(cell);
  }
  const inside = made.createTBody();
  for (const row of rows.slice(0, MOST_ROWS)) {
    const line = inside.insertRow();
    for (const [style, text] of row) {
      const cell = line.insertCell();
      cell.className = style;
      cell.textContent = text;
    }
  }
  return [made];
}

async function copy(make) {
  try {
    await navigator.clipboard.writeText(make(`${location.origin}/graphql`, body()));
    say("Copied. Put the token into LINEAGE_TOKEN first.");
  } catch (error) {
    say(`Not copied: ${error.message}`, "bad");
  }
}

function choose(tab) {
  for (const name of ["things", "json"]) {
    const chosen = tab === name;
    part(`tab-${name}`).setAttribute("aria-selected", String(chosen));
    part(`tab-${name}`).tabIndex = chosen ? 0 : -1;
    part(name).hidden = !chosen;
  }
  part(`tab-${tab}`).focus();
}

function load(number) {
  query.value = EXAMPLES[number].query;
  variables.value = JSON.stringify(EXAMPLES[number].variables, null, 2);
}

for (const [number, example] of EXAMPLES.entries()) {
  part("example").append(new Option(example.name, String(number)));
}
part("example").addEventListener("change", (event) => load(Number(event.target.value)));
part("run").addEventListener("click", run);
part("stop").addEventListener("click", () => running?.abort());
part("curl").addEventListener("click", () => copy(curl));
part("python").addEventListener("click", () => copy(python));
part("tab-things").addEventListener("click", () => choose("things"));
part("tab-json").addEventListener("click", () => choose("json"));
document.querySelector("[role=tablist]").addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    choose(part("things").hidden ? "things" : "json");
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    run();
  }
  if (event.key === "Escape") running?.abort();
});
load(0);
query.focus();
