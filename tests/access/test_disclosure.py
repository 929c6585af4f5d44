# SPDX-License-Identifier: Apache-2.0
"""A steward is shown every string that leaves, what looks secret in it, and who stands out."""

from __future__ import annotations

import json

import pytest

from lineage.access.disclosure import MOST, disclosure_of
from lineage.access.redact import REDACTED
from lineage.access.secret_patterns import secrets_in
from lineage.model.record import Batch, Edge, Node
from lineage.model.value import Literal

SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def test_the_check_lists_every_string_that_leaves():
    batch = Batch(
        nodes=(
            Node(
                id="urn:m",
                kind="Model",
                label="fraud",
                attributes={
                    "license": "MIT",
                    "size": 3,
                    "tags": ("a", Literal("b", "xsd:token", None)),
                    "prov:type": REDACTED,
                },
                bundle="urn:b",
            ),
            Node(id="urn:lineage:partner:b:00000000:aaaa", kind="Activity"),
        ),
        edges=(Edge(relation="used", effect="urn:r", cause="urn:m", id="urn:e"),),
        prefixes={"ex": "http://example.org/"},
    )
    check_ = disclosure_of(batch, k=2)
    shown = {item.text: item for item in check_.strings}
    words = ["urn:m", "fraud", "license", "MIT", "3", "a", "b", "xsd:token", "urn:b", "urn:r"]
    assert shown.keys() >= {*words, "urn:e", REDACTED.iri, "ex", "http://example.org/"}
    assert shown["urn:m"] == ("urn:m", 2, ("id of Model", "cause of used"))
    assert (check_.pseudonyms, check_.more_strings) == (1, 0)
    assert check_.kinds == {"Activity": 1, "Model": 1}
    assert check_.relations == {"used": 1}
    assert [(s.kind, s.effects, s.causes, s.members) for s in check_.small] == [
        ("Activity", "0", "0", 1),
        ("Model", "1", "0", 1),
    ]
    assert json.loads(json.dumps(check_.to_dict()))["strings"][0]["times"] >= 1


def test_the_check_says_when_its_list_is_cut():
    batch = Batch(nodes=tuple(Node(id=f"urn:{n}", kind="Model") for n in range(MOST + 7)))
    check_ = disclosure_of(batch)
    assert len(check_.strings) == MOST
    assert check_.more_strings == 7
    assert check_.small == ()


def test_small_classes_are_by_kind_month_and_degree():
    runs = [
        Node(id=f"urn:r{n}", kind="Run", attributes={"started": f"2026-0{1 + n // 5}-01T00:00:00Z"})
        for n in range(7)
    ]
    edges = [Edge(relation="used", effect="urn:r0", cause=f"urn:d{n}") for n in range(5)]
    small = disclosure_of(Batch(nodes=tuple(runs), edges=tuple(edges)), k=5).small
    assert small == (
        ("Run", "2026-01", "0", "0", 4),
        ("Run", "2026-01", "0", "4-7", 1),
        ("Run", "2026-02", "0", "0", 2),
    )


A = "abcdefghijABCDEFGHIJ0123456789" * 3


SECRETS = [
    ("private-key", "-----BEGIN OPENSSH PRIVATE KEY-----", None),
    ("url-login", "git+https://ana:hunter2@git.example/x", None),
    ("signed-url", f"https://x.example/a?X-Amz-Signature={SHA}", None),
    ("json-web-token", "eyJhbGciOiJI.eyJzdWIiOiIx.c2ln", None),
    ("authorization", f"Bearer {A[:24]}", None),
    ("aws-key", "AKIA" + "IOSFODNN7EXAMPLE", None),
    ("azure-key", f"AccountKey={A[:64]}==", None),
    ("google-key", "AIza" + A[:35], None),
    ("github-token", "ghp_" + A[:36], None),
    ("gitlab-token", "glpat-" + A[:20], None),
    ("slack-token", "xoxb-" + A[:24], None),
    ("hugging-face-token", "hf_" + A[:34], None),
    ("anthropic-key", "sk-ant-" + A[:30], None),
    ("openai-key", "sk-proj-" + A[:48], None),
    ("stripe-key", "sk_live_" + A[:24], None),
    ("package-token", "npm_" + A[:36], None),
    ("databricks-token", "dapi" + SHA[:32], None),
    ("e-mail", "ask ana@lab.example", None),
    ("home-folder", "/home/ana/data", None),
    ("telling-name", "hunter2", "db.password"),
    ("telling-name", "hunter2hunter2hunter2", "env.WANDB_API_KEY"),
    ("telling-name", A[:20], "tag.token"),
    ("assignment", "train --password=hunter2", None),
]


@pytest.mark.parametrize(("form", "text", "name"), SECRETS)
def test_the_scan_knows_forms_of_secrets(form, text, name):
    assert form in set(secrets_in(text, name))
    batch = Batch(nodes=(Node(id="urn:r", kind="Run", attributes={name or "x": text}),))
    found = disclosure_of(batch).secrets
    assert (form, f"{name or 'x'} of Run") in found
    assert all(text not in item.where for item in found)


def test_the_scan_knows_our_own_tokens():
    from datetime import UTC, datetime

    from lineage.access.tokens import Role, mint

    _, secret = mint("x", Role.viewer, now=datetime(2026, 1, 1, tzinfo=UTC))
    assert "lineage-token" in set(secrets_in(f"LINEAGE_TOKEN is {secret}"))
    assert "lineage-token" not in set(secrets_in(secret[:-1] + "~"))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (SHA, "digest"),
        (f"sha256:{SHA}", "digest"),
        (f"swh:1:rev:{SHA[:40]}", None),
        ("0190163d-8694-739b-aea5-966c26f8ad90", "run_id"),
        ("urn:lineage:partner:b:00000000:abcdefghijklmnopqrstuvwxyz", None),
        ("pkg:pypi/tokenizers@0.20.1", None),
        ("512", "param.max_token"),
        ("<s>", "param.bos_token"),
        ("[scrubbed]", "env.API_KEY"),
        ("--api-key=[scrubbed]", "command"),
        ("https://lab.example/a?sig=off", "uri"),
        ("s3://bucket/train.csv", "uri"),
        ("sklearn-1.5", "env"),
        ("hf_hub", "name"),
        ("num_tokens: 2048", "x"),
        ("python -m train --tokens=4096", "x"),
        ("secretary-problem", "name"),
        ("python 3.11.7, Linux-6.1-x86_64", "platform"),
        ("2026-03-14T15:09:26+00:00", "started"),
    ],
)
def test_the_scan_lets_what_lineage_is_full_of_pass(text, name):
    assert list(secrets_in(text, name)) == []
