# SPDX-License-Identifier: Apache-2.0
"""Signatures and proofs: published vectors hold, and nothing that was changed is let in."""

from __future__ import annotations

import base64
import json
import re
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from lineage.errors import (
    BadInput,
    BadSignature,
    DigestMismatch,
    Expired,
    ForkedLog,
    LimitExceeded,
    LineageError,
    MissingExtra,
    NotYetValid,
    Untrusted,
    WrongAudience,
    WrongSequence,
)
from lineage.ledger import checkpoint, merkle, seal
from lineage.ledger.checkpoint import Checkpoint, ConsistencyProof, InclusionProof
from lineage.ledger.keys import PublicKey, SigningKey, unbase64
from lineage.ledger.statement import (
    PREDICATE,
    Statement,
    demand_audience,
    demand_current,
    demand_files,
    demand_next,
)

ORIGIN = "lab.example/lineage"
KEY = SigningKey.of_seed(ORIGIN, bytes(range(32)))
OTHER = SigningKey.of_seed("b.example/lineage", bytes(32))
NOW = datetime(2026, 5, 1, tzinfo=UTC)
LEAVES = [merkle.leaf_hash(bytes([n])) for n in range(40)]
CHECKPOINT = Checkpoint(ORIGIN, len(LEAVES), merkle.root(LEAVES))
STATEMENT = Statement(
    origin=ORIGIN,
    audience="b.example",
    sequence=1,
    previous=None,
    created=NOW,
    expires=NOW + timedelta(days=30),
    policy="ab" * 32,
    checkpoint=CHECKPOINT.sign(KEY),
    files={"bundle.prov.json": "01" * 32, "crate/ro-crate-metadata.json": "02" * 32},
)

#: The example of golang.org/x/mod/sumdb/note, whose format C2SP took over.
NEUMANN_SEED = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
NEUMANN_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NEUMANN_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
NEUMANN_NOTE = (
    NEUMANN_TEXT + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2"
    "pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
#: The eight leaves of Certificate Transparency's tests, and proofs between sizes of their tree.
CT_LEAVES = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")
CT_LEAVES = (*CT_LEAVES, "606162636465666768696a6b6c6d6e6f")
CT_PROOFS = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
    (6, 7): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}


def flipped(data, random):
    bent = bytearray(data)
    bent[random.randrange(len(bent))] ^= 1 << random.randrange(8)
    return bytes(bent)


# --- keys ------------------------------------------------------------------------------------


def test_keys_and_notes_are_those_of_go_and_c2sp():
    key = SigningKey.of_seed("PeterNeumann", base64.b64decode(NEUMANN_SEED)[1:])
    assert key.public.to_text() == NEUMANN_KEY
    assert checkpoint.sign_note(NEUMANN_TEXT, key) == NEUMANN_NOTE
    assert checkpoint.open_note(NEUMANN_NOTE, [PublicKey.of(NEUMANN_KEY)]) == NEUMANN_TEXT


def test_a_key_survives_its_file_and_does_not_show_itself():
    key = SigningKey.generate(ORIGIN)
    again = SigningKey.of_pem(ORIGIN, key.to_pem())
    assert again.public == key.public == PublicKey.of(key.public.to_text() + "\n")
    assert again.sign(b"m") == key.sign(b"m")
    assert key.to_pem().splitlines()[1] not in repr(key)
    assert "PRIVATE KEY" in key.to_pem()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ed25519:AAAA",
        NEUMANN_KEY.replace("c74f20a3", "c74f20a4"),
        NEUMANN_KEY.replace("+ARpc", "+Arpc"),
        NEUMANN_KEY[:-4],
        "a b+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_a_line_that_is_no_key_is_refused_with_a_reason(text):
    with pytest.raises(BadInput, match="the key "):
        PublicKey.of(text)


def test_other_private_keys_and_bad_names_are_refused():
    from cryptography.hazmat.primitives import serialization

    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with pytest.raises(BadInput, match="not an Ed25519"):
        SigningKey.of_pem(ORIGIN, pem.decode())
    with pytest.raises(BadInput, match="no private key"):
        SigningKey.of_pem(ORIGIN, "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n")
    for name in ("", "two words", "a+b", "line\nbreak"):
        with pytest.raises(BadInput, match="cannot name a key"):
            SigningKey.generate(name)


def test_without_cryptography_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric", None)
    with pytest.raises(MissingExtra) as caught:
        SigningKey.generate(ORIGIN)
    assert caught.value.hint == 'pip install "lineagedb[exchange]"'


def test_base64_has_one_spelling():
    assert unbase64("eA==") == b"x"
    for text in ("eB==", "eA=", "eA", "e A==", "eA==\n"):
        with pytest.raises(ValueError):
            unbase64(text)


# --- envelopes -------------------------------------------------------------------------------


def test_what_is_signed_is_what_the_dsse_specification_prints():
    """Its signature is ECDSA, made by others over the PAE: it verifies over ours."""
    message = seal.pae("http://example.com/HelloWorld", b"hello world")
    published = base64.b64decode(
        "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="
    )
    r, s = (int.from_bytes(half, "big") for half in (published[:32], published[32:]))
    x = 46950820868899156662930047687818585632848591499744589407958293238635476079160
    y = 5640078356564379163099075877009565129882514886557779369047442380624545832820
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))


def test_a_signed_payload_comes_back_with_the_key_that_signed_it():
    for payload in (b"", b"\x00\xff", STATEMENT.to_bytes()):
        envelope = seal.sign(payload, seal.IN_TOTO, OTHER, KEY)
        assert seal.verify(envelope, [KEY.public]) == (payload, KEY.public)
        assert seal.sign(payload, seal.IN_TOTO, OTHER, KEY) == envelope
    url_safe = envelope.replace(b"+", b"-").replace(b"/", b"_")
    shown = json.loads(url_safe)
    shown["payloadType"], shown["new"] = seal.IN_TOTO, "a field nobody knows"
    assert seal.verify(json.dumps(shown).encode(), [KEY.public]).payload == payload


def test_a_keyid_decides_nothing():
    shown = json.loads(seal.sign(b"p", seal.IN_TOTO, KEY))
    for hint in ("", "somebody", OTHER.public.hint, 7):
        shown["signatures"][0]["keyid"] = hint
        assert seal.verify(json.dumps(shown).encode(), [OTHER.public, KEY.public]).key == KEY.public
    del shown["signatures"][0]["keyid"]
    assert seal.verify(json.dumps(shown).encode(), [KEY.public]).payload == b"p"
    stolen = seal.sign(b"p", seal.IN_TOTO, OTHER).replace(
        OTHER.public.hint.encode(), KEY.public.hint.encode()
    )
    with pytest.raises(BadSignature):
        seal.verify(stolen, [KEY.public])


def test_no_envelope_of_two_thousand_with_one_bit_changed_is_let_in():
    random, hint = Random(7), KEY.public.hint.encode()
    envelope = seal.sign(STATEMENT.to_bytes(), seal.IN_TOTO, KEY)
    # The hint, its name included, is the one part that nobody signs for.
    unsigned = range(envelope.index(b'"keyid"'), envelope.index(hint) + len(hint) + 1)
    tried = 0
    while tried < 2_000:
        bent = flipped(envelope, random)
        spot = next(at for at, byte in enumerate(bent) if byte != envelope[at])
        if spot in unsigned:
            continue
        tried += 1
        with pytest.raises((BadSignature, BadInput)):
            seal.verify(bent, [KEY.public])


@pytest.mark.parametrize(
    ("envelope", "error"),
    [
        (b"", BadInput),
        (b"[]", BadInput),
        (b"[" * 100_000, BadInput),
        (b'{"payload":"","payloadType":"t","signatures":[]}', BadSignature),
        (b'{"payload":1,"payloadType":"t","signatures":[{"sig":""}]}', BadInput),
        (b'{"payload":"","payloadType":"t","signatures":[3]}', BadInput),
        (b'{"payload":"","payloadType":"t","signatures":[{"sig":""}]}', BadSignature),
        (b" " * (seal.LARGEST + 1), LimitExceeded),
        (json.dumps({"payload": "", "payloadType": "t", "signatures": [{}] * 17}), LimitExceeded),
    ],
)
def test_what_is_no_envelope_is_one_clear_error(envelope, error):
    data = envelope.encode() if isinstance(envelope, str) else envelope
    with pytest.raises(error):
        seal.verify(data, [KEY.public])


def test_a_payload_signed_as_something_else_is_refused():
    with pytest.raises(BadSignature, match="text/plain"):
        seal.verify(seal.sign(b"p", "text/plain", KEY), [KEY.public])
    with pytest.raises(BadSignature, match="0 pinned keys"):
        seal.verify(seal.sign(b"p", seal.IN_TOTO, KEY), [])


# --- statements ------------------------------------------------------------------------------


def test_a_statement_is_in_toto_and_comes_back_the_same():
    shown = json.loads(STATEMENT.to_bytes())
    assert shown["_type"] == "https://in-toto.io/Statement/v1"
    assert shown["predicateType"] == PREDICATE
    assert shown["subject"][0] == {"name": "bundle.prov.json", "digest": {"sha256": "01" * 32}}
    assert Statement.of(STATEMENT.to_bytes()) == STATEMENT


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda s: s.update(_type="x"), "#/_type"),
        (lambda s: s.update(predicateType="x"), "#/predicateType"),
        (lambda s: s.pop("predicate"), "#/predicate"),
        (lambda s: s.update(subject=[]), "#/subject"),
        (lambda s: s["subject"].append(s["subject"][0]), "#/subject/2/name"),
        (lambda s: s["subject"][0].update(name="../x"), "#/subject/0/name"),
        (lambda s: s["subject"][0].update(name="/etc/passwd"), "#/subject/0/name"),
        (lambda s: s["subject"][0].update(name="a//b"), "#/subject/0/name"),
        (lambda s: s["subject"][0].update(name="a\\b"), "#/subject/0/name"),
        (lambda s: s["subject"][0].update(digest={"md5": "0" * 32}), "#/subject/0/digest/sha256"),
        (lambda s: s["predicate"].update(sequence=0), "#/predicate/sequence"),
        (lambda s: s["predicate"].update(sequence=True), "#/predicate/sequence"),
        (lambda s: s["predicate"].update(sequence=2), "#/predicate/previous"),
        (lambda s: s["predicate"].update(previous="00"), "#/predicate/previous"),
        (lambda s: s["predicate"].update(created="2026-02-30T00:00:00Z"), "#/predicate/created"),
        (lambda s: s["predicate"].update(expires="tomorrow"), "#/predicate/expires"),
        (lambda s: s["predicate"].update(audience=""), "#/predicate/audience"),
        (lambda s: s["predicate"].update(policy=None), "#/predicate/policy"),
    ],
)
def test_a_statement_that_is_wrong_names_the_place(change, place):
    from lineage import ids

    shown = json.loads(STATEMENT.to_bytes())
    change(shown)
    with pytest.raises(BadInput) as caught:
        Statement.of(ids.canonical(shown))
    assert caught.value.where.endswith(place)


def test_only_one_spelling_of_a_statement_is_read():
    data = STATEMENT.to_bytes()
    twice = data.replace(b'"origin"', b'"audience":"them","origin"', 1)
    for spelling in (twice, data + b"\n", data.replace(b"lab", b"l\\u0061b", 1), b"\xff", b""):
        with pytest.raises(BadInput, match="canonical"):
            Statement.of(spelling)


def test_each_step_of_letting_a_package_in_has_its_own_error():
    later = replace(STATEMENT, sequence=2, previous=STATEMENT.digest)
    demand_audience(STATEMENT, "b.example")
    demand_current(STATEMENT, NOW)
    demand_current(STATEMENT, NOW - timedelta(minutes=4))
    demand_next(STATEMENT, 0, None)
    demand_next(later, 1, STATEMENT.digest)
    demand_files(STATEMENT, STATEMENT.files)
    steps = [
        (WrongAudience, "c.example", lambda: demand_audience(STATEMENT, "c.example")),
        (NotYetValid, "2026-05-01", lambda: demand_current(STATEMENT, NOW - timedelta(hours=1))),
        (Expired, "2026-05-31", lambda: demand_current(STATEMENT, STATEMENT.expires)),
        (WrongSequence, "too late", lambda: demand_next(STATEMENT, 1, STATEMENT.digest)),
        (WrongSequence, "missing", lambda: demand_next(later, 0, None)),
        (WrongSequence, "does not follow", lambda: demand_next(later, 1, "cd" * 32)),
        (DigestMismatch, "not in the package", lambda: demand_files(STATEMENT, {})),
        (
            DigestMismatch,
            "not the file",
            lambda: demand_files(STATEMENT, dict.fromkeys(STATEMENT.files, "03" * 32)),
        ),
        (
            DigestMismatch,
            "nobody signed",
            lambda: demand_files(STATEMENT, {**STATEMENT.files, "run.sh": "04" * 32}),
        ),
    ]
    for error, words, step in steps:
        with pytest.raises(error, match=words) as caught:
            step()
        assert isinstance(caught.value, Untrusted)
        assert (caught.value.status, caught.value.exit_code) == (403, 5)


def test_the_codes_of_distrust_are_stable():
    codes = {error.code for error in Untrusted.__subclasses__()}
    assert codes == {
        "bad-namespace",
        "bad-signature",
        "digest-mismatch",
        "expired",
        "forked-log",
        "not-yet-valid",
        "wrong-audience",
        "wrong-sequence",
    }


# --- logs ------------------------------------------------------------------------------------


def test_proofs_of_growth_are_those_of_certificate_transparency():
    hashes_ = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in CT_LEAVES]
    for (first, second), expected in CT_PROOFS.items():
        proof = merkle.consistency(hashes_[:second], first)
        assert [item.hex() for item in proof] == expected


def test_every_log_extends_all_it_was_and_no_changed_proof_says_so():
    random = Random(3)
    roots = [merkle.root(LEAVES[:size]) for size in range(len(LEAVES) + 1)]
    for second in range(len(LEAVES) + 1):
        for first in range(second + 1):
            path = merkle.consistency(LEAVES[:second], first)
            old, new = roots[first], roots[second]
            assert merkle.extends(first, second, old, new, path)
            assert not merkle.extends(first, second, old, flipped(new, random), path) or not first
            assert not merkle.extends(first, second, flipped(old, random), new, path)
            assert not merkle.extends(first, second, old, new, [*path, old])
            if path:
                spot = random.randrange(len(path))
                bent = [*path[:spot], flipped(path[spot], random), *path[spot + 1 :]]
                assert not merkle.extends(first, second, old, new, bent)
                assert not merkle.extends(first, second, old, new, path[1:])
                assert not merkle.extends(first, second, old, new, path[:-1])
    assert not merkle.extends(3, 2, roots[3], roots[2], ())
    assert not merkle.extends(-1, 2, roots[0], roots[2], ())
    with pytest.raises(ValueError, match="never had 4"):
        merkle.consistency(LEAVES[:3], 4)


def test_a_checkpoint_is_a_signed_note_with_origin_size_and_root():
    note = CHECKPOINT.sign(OTHER, KEY)
    assert note.splitlines()[:3] == [
        ORIGIN,
        "40",
        base64.b64encode(merkle.root(LEAVES)).decode(),
    ]
    assert Checkpoint.of(note, [KEY.public], origin=ORIGIN) == CHECKPOINT
    with pytest.raises(ForkedLog, match="not of 'else'"):
        Checkpoint.of(note, [KEY.public], origin="else")
    with pytest.raises(BadSignature, match="none of the"):
        Checkpoint.of(CHECKPOINT.sign(OTHER), [KEY.public], origin=ORIGIN)
    forged = note.replace("\n40\n", "\n41\n")
    with pytest.raises(BadSignature):
        Checkpoint.of(forged, [KEY.public], origin=ORIGIN)
    extended = checkpoint.sign_note(
        f"{ORIGIN}\n0\n{base64.b64encode(merkle.EMPTY).decode()}\nmore\n", KEY
    )
    assert Checkpoint.of(extended, [KEY.public], origin=ORIGIN).size == 0


def test_a_wrong_signature_of_a_known_key_spoils_the_note_though_another_is_right():
    note = CHECKPOINT.sign(KEY, OTHER)
    mine, theirs = note.splitlines()[-2:]
    bent = theirs[:-8] + ("AAAA" if theirs[-8:-4] != "AAAA" else "BBBB") + theirs[-4:]
    changed = note.replace(theirs, bent)
    assert checkpoint.open_note(changed, [KEY.public])
    with pytest.raises(BadSignature, match=re.escape(OTHER.public.hint)):
        checkpoint.open_note(changed, [KEY.public, OTHER.public])
    assert mine in changed


@pytest.mark.parametrize("index", [0, 17, 39])
def test_a_proof_file_shows_an_entry_in_the_log(index):
    proof = InclusionProof.make(LEAVES, index, CHECKPOINT.sign(KEY), extra=b"what the entry was")
    text = proof.to_text()
    assert text.startswith(
        f"c2sp.org/tlog-proof@v1\nextra d2hhdCB0aGUgZW50cnkgd2Fz\nindex {index}\n"
    )
    assert InclusionProof.of(text) == proof
    assert InclusionProof.of(text).demand(LEAVES[index], [KEY.public], origin=ORIGIN) == CHECKPOINT
    with pytest.raises(DigestMismatch):
        proof.demand(LEAVES[index - 1], [KEY.public], origin=ORIGIN)


def test_a_log_of_one_entry_has_a_proof_without_hashes():
    note = Checkpoint(ORIGIN, 1, LEAVES[0]).sign(KEY)
    proof = InclusionProof.make(LEAVES[:1], 0, note)
    assert InclusionProof.of(proof.to_text()) == proof
    proof.demand(LEAVES[0], [KEY.public], origin=ORIGIN)
    with pytest.raises(ValueError, match="no entry 1"):
        InclusionProof.make(LEAVES[:1], 1, note)


@pytest.mark.parametrize("old", [0, 1, 8, 23, 40])
def test_a_log_that_only_appended_continues_the_checkpoint_kept(old):
    kept = Checkpoint(ORIGIN, old, merkle.root(LEAVES[:old]))
    growth = ConsistencyProof.make(LEAVES, old, CHECKPOINT.sign(KEY))
    assert ConsistencyProof.of(growth.to_text()) == growth
    assert growth.demand(kept, [KEY.public]) == CHECKPOINT


def test_a_forked_shrunken_or_replaced_log_is_named():
    other = [*LEAVES[:10], merkle.leaf_hash(b"else"), *LEAVES[11:]]
    kept = Checkpoint(ORIGIN, 20, merkle.root(LEAVES[:20]))
    forked = Checkpoint(ORIGIN, 40, merkle.root(other)).sign(KEY)
    with pytest.raises(ForkedLog, match="not a continuation"):
        ConsistencyProof.make(other, 20, forked).demand(kept, [KEY.public])
    with pytest.raises(ForkedLog, match="we kept 20"):
        ConsistencyProof.make(other, 10, forked).demand(kept, [KEY.public])
    small = Checkpoint(ORIGIN, 5, merkle.root(LEAVES[:5])).sign(KEY)
    with pytest.raises(ForkedLog, match="shrank from 20 to 5"):
        ConsistencyProof(20, (), small).demand(kept, [KEY.public])
    same = Checkpoint(ORIGIN, 20, merkle.root(other[:20])).sign(KEY)
    with pytest.raises(ForkedLog):
        ConsistencyProof(20, (), same).demand(kept, [KEY.public])


def test_no_proof_file_of_two_thousand_with_one_bit_changed_is_let_in():
    random, note = Random(11), CHECKPOINT.sign(KEY)
    kept = Checkpoint(ORIGIN, 23, merkle.root(LEAVES[:23]))
    proof = InclusionProof.make(LEAVES, 23, note).to_text().encode()
    growth = ConsistencyProof.make(LEAVES, 23, note).to_text().encode()
    for _ in range(1_000):
        with pytest.raises((LineageError, UnicodeDecodeError)):
            bent = flipped(proof, random).decode()
            InclusionProof.of(bent).demand(LEAVES[23], [KEY.public], origin=ORIGIN)
        with pytest.raises((LineageError, UnicodeDecodeError)):
            ConsistencyProof.of(flipped(growth, random).decode()).demand(kept, [KEY.public])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c2sp.org/tlog-proof@v1\nindex 0\n",
        "c2sp.org/tlog-proof@v2\nindex 0\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 01\n\nx",
        "c2sp.org/tlog-proof@v1\nindex -1\n\nx",
        "c2sp.org/tlog-proof@v1\nextra x\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\nx",
        "c2sp.org/tlog-proof@v1\nindex 0\n\nno note",
        "x" * (1024 * 1024 + 1),
    ],
)
def test_what_is_no_proof_is_one_clear_error(text):
    with pytest.raises(BadInput):
        InclusionProof.of(text).demand(LEAVES[0], [KEY.public], origin=ORIGIN)
