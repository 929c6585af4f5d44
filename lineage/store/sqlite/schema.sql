-- The layout of a store. Integer keys inside, identifiers at the edge.
CREATE TABLE kept (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE migration (
  number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied TEXT NOT NULL
);

-- The ledger: its head, and one row an entry with the signed lines of its records, compressed.
CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, peaks BLOB NOT NULL);
CREATE TABLE entry (
  seq INTEGER PRIMARY KEY, source TEXT NOT NULL, importer TEXT NOT NULL, actor TEXT NOT NULL,
  recorded TEXT NOT NULL, note TEXT NOT NULL, added INTEGER NOT NULL, retracted INTEGER NOT NULL,
  records TEXT NOT NULL, body BLOB NOT NULL, leaf TEXT NOT NULL
);

-- The graph as readers see it now; `described` tells nodes that somebody states from those that
-- only edges speak of.
CREATE TABLE node (
  key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, label TEXT,
  attributes TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER, described INTEGER NOT NULL
);
CREATE INDEX node_label ON node (label, kind);
CREATE INDEX node_standing ON node (kind, id) WHERE until IS NULL;

-- Who says what: one row a claim, ended when its source retracts it. Attributes of a statement that are
-- those of the node's row, which shows it alone, are not written again: they are the empty text.
CREATE TABLE source (key INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE statement (
  node INTEGER NOT NULL, source INTEGER NOT NULL, since INTEGER NOT NULL, slot INTEGER NOT NULL,
  until INTEGER, kind TEXT NOT NULL, label TEXT, attributes TEXT NOT NULL, bundle TEXT,
  PRIMARY KEY (node, source, since, slot)
) WITHOUT ROWID;
CREATE TABLE edge (
  effect INTEGER NOT NULL, relation INTEGER NOT NULL, cause INTEGER NOT NULL,
  variant INTEGER NOT NULL, source INTEGER NOT NULL, since INTEGER NOT NULL, until INTEGER,
  follow INTEGER NOT NULL CHECK (follow IN (0, 1)), attributes TEXT NOT NULL, id TEXT, bundle TEXT,
  PRIMARY KEY (effect, relation, cause, variant, source, since)
) WITHOUT ROWID;
CREATE INDEX edge_cause ON edge (cause, relation, effect, variant, until, follow);

-- What is worked out from the graph with each write, and kept so that no question counts or reads all of
-- it: how many things of each kind and how many links there are now; the trigrams of names, of things up
-- to the last one named; how often the graph was drawn anew, which gives things other keys.
CREATE TABLE tally (of TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE named (
  one INTEGER PRIMARY KEY CHECK (one = 1), last INTEGER NOT NULL, drawn INTEGER NOT NULL
);
CREATE VIRTUAL TABLE node_name USING fts5 (
  id, label, content = '', columnsize = 0, detail = none, tokenize = 'trigram'
);
