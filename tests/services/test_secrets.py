# SPDX-License-Identifier: Apache-2.0
"""No secret that comes in is kept, whatever door it comes by, and the report says that some were hidden."""

from __future__ import annotations

import json
import random
import re
import sqlite3
import string
import subprocess

import pytest

import lineage
from lineage.model.record import Batch, Edge, Node
from lineage.model.value import Literal, Ref

LETTERS = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
#: Forms by their issuers. A password without its name, and a hexadecimal key (which is a digest to
#: whoever looks at it), are secrets by their names only: they stand below.
FORMS = {
    "aws id": ("AKIA", 16, string.ascii_uppercase + string.digits, ""),
    "github": ("ghp_", 36, LETTERS, ""),
    "github, fine": ("github_pat_", 60, LETTERS, ""),
    "gitlab": ("glpat-", 20, LETTERS, ""),
    "hugging face": ("hf_", 34, LETTERS, ""),
    "openai": ("sk-proj-", 48, LETTERS, ""),
    "anthropic": ("sk-ant-api03-", 60, LETTERS, ""),
    "slack": ("xoxb-123456789012-", 24, LETTERS, ""),
    "google": ("AIza", 35, LETTERS, ""),
    "stripe": ("sk_live_", 24, LETTERS, ""),
    "npm": ("npm_", 36, LETTERS, ""),
    "pypi": ("pypi-AgEIcHlwaS5vcmc", 60, LETTERS, ""),
    "databricks": ("dapi", 32, HEX, ""),
    "jwt": ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.", 30, LETTERS, ""),
    "sendgrid": ("SG.abcdefghijklmnopqrstuv.", 43, LETTERS, ""),
    "digitalocean": ("dop_v1_", 64, HEX, ""),
    "vault": ("hvs.", 30, LETTERS, ""),
    "azure": ("", 86, LETTERS, "=="),
    "ours": ("lin_abcdefgh_", 49, LETTERS, ""),
    "address": ("postgres://ana:", 14, LETTERS, "@db/x"),
    "private key": (
        "-----BEGIN RSA PRIVATE KEY-----\n",
        64,
        LETTERS,
        "\n-----END RSA PRIVATE KEY-----",
    ),
}
NAMED = {
    "AWS_SECRET_ACCESS_KEY": 40,
    "WANDB_API_KEY": 40,
    "DB_PASSWORD": 14,
    "AZURE_STORAGE_KEY": 30,
    "db.passphrase": 12,
    "client_secret": 20,
}
EACH = 5
PLAIN = re.compile(r"[\w.:/@-]+")


def planted():
    """Texts with a secret in them, each with the random part that must not be kept."""
    source = random.Random(5)
    for before, length, alphabet, after in FORMS.values():
        for _ in range(EACH):
            core = "".join(source.choice(alphabet) for _ in range(length))
            yield f"{before}{core}{after}", core
    for name, length in NAMED.items():
        core = "".join(source.choice(HEX) for _ in range(length))
        yield f"train.py --{name}={core}", core


def document(texts):
    entities = {}
    for number, text in enumerate(texts):
        entities[f"e:{number}"] = {
            "prov:label": f"see {text}",
            "e:note": [text, {"$": f"a {text}", "type": "xsd:string"}],
        }
    return {"prefix": {"e": "http://e/"}, "entity": entities}


def events(texts):
    for number, text in enumerate(texts):
        yield {
            "eventType": "COMPLETE",
            "eventTime": "2026-01-01T00:00:00Z",
            "run": {
                "runId": f"{number:08x}-0000-4000-8000-000000000000",
                "facets": {"errorMessage": {"message": f"failed: {text}"}},
            },
            "job": {
                "namespace": "n",
                "name": f"j{number}",
                "facets": {"sql": {"query": f"COPY t CREDENTIALS '{text}'"}},
            },
            "producer": "http://p",
            "schemaURL": "http://s",
        }


def by_document(store, folder, texts):
    (folder / "d.json").write_text(json.dumps(document(texts)))
    return store.load(folder / "d.json")


def by_events(store, folder, texts):
    (folder / "e.jsonl").write_text("\n".join(map(json.dumps, events(texts))))
    return store.load(folder / "e.jsonl")


def by_git(store, folder, texts):
    git = ["git", "-C", folder, "-c", "user.name=A", "-c", "user.email=a@x"]
    subprocess.run(["git", "init", "-q", folder], check=True)
    for text in texts:
        words = [*git, "commit", "-q", "--allow-empty", "-m", f"rotate {text}"]
        subprocess.run(words, check=True)
    return store.load(folder)


def by_api(store, folder, texts):
    nodes = tuple(
        Node(
            id=f"urn:x:{number}",
            kind="Run",
            label=f"with {text}",
            attributes={"note": (text, Literal(text, "http://e/type")), "at": Ref(f"http://e/{n}")},
        )
        for number, text in enumerate(texts)
        for n in [text if PLAIN.fullmatch(text) else "x"]
    )
    edges = tuple(
        Edge(relation="used", effect=node.id, cause="urn:d", attributes={"prov:role": text})
        for node, text in zip(nodes, texts, strict=True)
    )
    return (store.ingest(Batch(nodes=nodes, edges=edges)),)


DOORS = {"a document": by_document, "events": by_events, "git": by_git, "the API": by_api}


def rows_of(db):
    """All rows of a file, but for the index of names, which holds trigrams and cannot be read out."""
    names = db.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'node_name'"
    )
    return "\n".join(
        str(row) for (name,) in names.fetchall() for row in db.execute(f"SELECT * FROM {name}")
    )


@pytest.mark.parametrize("door", DOORS)
def test_no_secret_is_in_the_file(door, tmp_path):
    secrets = dict(planted())
    folder = tmp_path / "source"
    folder.mkdir()
    with lineage.open(tmp_path / "s.db") as store:
        reports = DOORS[door](store, folder, list(secrets))
        store.store._open.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        losses = [loss for report in reports for loss in report.losses]
    with sqlite3.connect(tmp_path / "s.db") as db:
        kept = rows_of(db)
    raw = (tmp_path / "s.db").read_bytes() + kept.encode()
    assert [text for text, core in secrets.items() if core.encode() in raw] == []
    told = [loss.number for loss in losses if loss.what == "texts with secrets"]
    assert told
    assert sum(told) >= len(secrets)


def test_names_of_statements_and_bundles_hold_none_either(tmp_path):
    secret = "ghp_" + "Ab3" * 12
    document = f"""document
    prefix e <http://e/>
    entity(e:a)
    used(e:u-{secret}; e:r, e:a, -)
    bundle e:b-{secret}
      entity(e:c)
    endBundle
    endDocument"""
    with lineage.open(tmp_path / "s.db") as store:
        [report] = store.load("d.provn", data=document.encode())
        assert report.added
    with sqlite3.connect(tmp_path / "s.db") as db:
        assert secret not in rows_of(db)
    assert secret.encode() not in (tmp_path / "s.db").read_bytes()


@pytest.mark.parametrize("name", NAMED)
def test_what_is_called_a_secret_is_one_whatever_it_looks_like(name, tmp_path):
    with lineage.open("memory:") as store:
        document = {"prefix": {"e": "http://e/"}, "entity": {"e:a": {f"e:{name}": "plain words"}}}
        [report] = store.load("-", data=json.dumps(document).encode())
        assert "plain words" not in str(store.find("a")) + str(store.show("http://e/a").to_dict())
        assert [loss.what for loss in report.losses] == ["texts with secrets"]


def test_the_same_document_again_is_unchanged_and_its_key_may_be_used_again(tmp_path):
    data = json.dumps(document([text for text, _ in planted()])).encode()
    with lineage.open("memory:") as store:
        [first] = store.load("d.json", data=data)
        [again] = store.load("d.json", data=data)
        assert (first.unchanged, again.added) == (0, 0)
        assert again.unchanged == first.added
