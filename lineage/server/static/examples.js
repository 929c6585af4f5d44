// SPDX-License-Identifier: Apache-2.0
// The questions of the mission as GraphQL, each with variables to put one's own names into.

const ANSWER = `nodes { id kind label attributes }
    edges { type effect cause attributes }
    certificate { complete cut { reason left } as_of root }`;

/** Name, query, and variables; the first is shown when the page opens. */
export const EXAMPLES = [
  {
    name: "What produced this model?",
    query: `query WhatProduced($ref: String!) {
  trace(ref: $ref) {
    ${ANSWER}
  }
}`,
    variables: { ref: "model:fraud@v3" },
  },
  {
    name: "What depends on this dataset?",
    query: `query WhatDepends($ref: String!) {
  impact(ref: $ref) {
    ${ANSWER}
  }
}`,
    variables: { ref: "dataset:data/train.csv" },
  },
  {
    name: "Why are these two connected?",
    query: `query Why($a: String!, $b: String!) {
  why(a: $a, b: $b) {
    ${ANSWER}
  }
}`,
    variables: { a: "model:fraud@v3", b: "dataset:data/raw.csv" },
  },
  {
    name: "Select by what things are and where they stand",
    query: `query Select($query: String!, $after: String) {
  select(query: $query, first: 1000, after: $after) {
    query
    nodes { id kind label attributes }
    edges { type effect cause }
    certificate { complete cut { reason left } cursor as_of root }
  }
}`,
    variables: { query: '+model:"fraud@v3" and kind:dataset and not license:"*"' },
  },
  {
    name: "What differs between these two, and is that fair?",
    query: `query Compare($a: String!, $b: String!) {
  compare(a: $a, b: $b) {
    fair
    reasons { message }
    code { what a b }
    data { what a b }
    environment { what a b }
    parameters { what a b }
    metrics { what a b }
    certificate { complete cut { reason left } as_of root }
  }
}`,
    variables: { a: "model:fraud@v2", b: "model:fraud@v3" },
  },
  {
    name: "Search names and identifiers",
    query: `query Search($text: String!) {
  find(text: $text, first: 50) {
    nodes { id kind label }
    certificate { complete cut { reason left } cursor as_of root }
  }
}`,
    variables: { text: "fraud" },
  },
];
