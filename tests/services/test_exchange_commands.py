# SPDX-License-Identifier: Apache-2.0
"""Exchange on the command line, as two stewards do it: keys, policy, trust, package, quarantine."""

from __future__ import annotations

import json
import stat

import pytest
from click.testing import CliRunner

from lineage.cli import cli, main
from lineage.errors import LineageError
from lineage.formats import zip_writer
from lineage.sources import zip_reader

DOCUMENT = {
    "prefix": {"ex": "https://a.example/"},
    "entity": {"ex:model": {"prov:label": "the model"}, "ex:data": {"prov:label": "raw data"}},
    "activity": {"ex:run": {}},
    "wasGeneratedBy": {"_:g": {"prov:entity": "ex:model", "prov:activity": "ex:run"}},
    "used": {"_:u": {"prov:activity": "ex:run", "prov:entity": "ex:data"}},
}
POLICY = """\
partner: b
nodes:
  - pseudonymise: {id: "*/data"}
  - keep: {id: "https://a.example/*"}
attributes:
  - keep: {name: label}
"""


class Institution:
    """A project folder with a store, and the command in it."""

    def __init__(self, folder):
        self.folder = folder / ".lineage"
        self.folder.mkdir(parents=True)
        self.store = str(self.folder / "store.db")

    def __call__(self, *words):
        done = CliRunner().invoke(cli, ["--store", self.store, *map(str, words)])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done

    def json(self, *words):
        return json.loads(self(*words, "--json").stdout)

    def trust(self, us, partner, line, **more):
        found = {
            "us": {"name": us, "namespaces": [f"https://{us}.example/"]},
            "partners": {
                partner: {
                    "keys": [line],
                    "origin": f"{partner}.example/lineage",
                    "namespaces": [f"https://{partner}.example/"],
                    **more,
                }
            },
        }
        (self.folder / "trust.yaml").write_text(json.dumps(found))


@pytest.fixture
def pair(tmp_path, monkeypatch):
    """Two institutions; a has a model, a key and a policy for b, and b trusts a."""
    monkeypatch.delenv("LINEAGE_KEYS", raising=False)
    a, b = Institution(tmp_path / "a"), Institution(tmp_path / "b")
    (tmp_path / "doc.json").write_text(json.dumps(DOCUMENT))
    a("import", tmp_path / "doc.json")
    line = a("keys", "new", "a.example/lineage").stdout.strip()
    (a.folder / "partners").mkdir()
    (a.folder / "partners" / "b.yaml").write_text(POLICY)
    b.trust("b", "a", line)
    return a, b, tmp_path / "package.zip"


def test_keys_are_made_once_for_one_reader_and_never_shown(pair):
    a, _, _ = pair
    (path,) = (a.folder / "keys").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secret = path.read_text().splitlines()[1]
    shown = a("keys", "show").output + a("keys", "list").output + a("keys", "show", "--json").output
    assert "a.example/lineage+" in shown
    assert secret not in shown
    with pytest.raises(LineageError, match="already"):
        a("keys", "new", "a.example/lineage")
    a("keys", "new", "a.example/other")
    with pytest.raises(LineageError, match="several keys"):
        a("keys", "show")
    path.chmod(0o644)
    with pytest.raises(LineageError) as caught:
        a("keys", "show", "a.example/lineage")
    assert caught.value.code == "denied"
    with pytest.raises(LineageError) as caught:
        a("keys", "show", "../../etc/passwd")
    assert caught.value.code == "input-missing"


def test_keys_lie_where_the_environment_says(pair, monkeypatch, tmp_path):
    a, _, _ = pair
    monkeypatch.setenv("LINEAGE_KEYS", str(tmp_path / "vault"))
    a("keys", "new", "a.example/vault")
    assert [p.name for p in (tmp_path / "vault").iterdir()] == ["a.example%2Fvault.pem"]


def test_a_check_shows_what_leaves_and_a_package_holds_no_more(pair):
    a, _, out = pair
    told = a("export", "--for", "b", "--check").stdout
    assert "https://a.example/model" in told
    assert "the model" in told
    assert "raw data" in told
    assert "https://a.example/data" not in told
    assert a.json("stats")["entries"] == 1
    made = a.json("export", "--for", "b", "--out", out)
    assert (made["sequence"], made["nodes"], made["entry"]) == (1, 3, 2)
    assert made["counts"]["nodes"] == {"keep": 2, "pseudonymise": 1}
    assert out.stat().st_size == made["bytes"]


def test_a_check_names_the_rules_that_decide_nothing(pair):
    a, _, _ = pair
    policy = a.folder / "partners" / "b.yaml"
    told = policy.read_text().replace("nodes:", 'nodes:\n  - cut: {id: "https://a.exmaple/*"}')
    policy.write_text(told + "  - seal: {name: licence}\nedges:\n  - cut: {relation: hadMember}\n")
    shown = a.json("export", "--for", "b", "--check")
    assert shown["unused_rules"] == ["/nodes/0/cut", "/edges/0/cut", "/attributes/1/seal"]
    assert "decides nothing here: /nodes/0/cut" in a("export", "--for", "b", "--check").stdout


def test_a_package_waits_is_shown_and_let_in(pair):
    a, b, out = pair
    a("export", "--for", "b", "--out", out)
    assert "lineage quarantine show a/1" in b("import", out).stdout
    assert b.json("stats")["nodes"] == 0
    assert "waiting" in b("quarantine", "list").stdout
    told = b("quarantine", "show", "a/1").stdout
    assert "1 Activity, 2 Entity" in told
    assert "the model" in told
    assert b("quarantine", "accept", "a/1").stdout.startswith(
        "package: 3 new things, 5 new records"
    )
    assert "raw data" in b("trace", "https://a.example/model").stdout
    (again,) = b.json("import", out)["imports"]
    assert (again["state"], again["added"]) == ("already", 0)
    assert b("quarantine", "list").stdout == ""
    (package,) = b.json("quarantine", "list", "--all")["packages"]
    assert (package["name"], package["state"]) == ("a/1", "accepted")


def test_a_package_is_turned_away_with_a_reason(pair):
    a, b, out = pair
    a("export", "--for", "b", "--out", out)
    b("import", out)
    b("quarantine", "reject", "a/1", "--reason", "not agreed")
    assert "not agreed" in b("quarantine", "list", "--all").stdout
    assert b.json("stats")["nodes"] == 0


def test_a_gap_is_named_with_the_option_that_accepts_it(pair, tmp_path):
    a, b, out = pair
    b.trust("b", "a", a("keys", "show").stdout.strip(), trust="auto")
    a("export", "--for", "b", "--out", tmp_path / "lost.zip")
    a("export", "--for", "b", "--out", out)
    with pytest.raises(LineageError) as caught:
        b("import", out)
    assert (caught.value.code, caught.value.exit_code) == ("wrong-sequence", 5)
    assert "--accept-gap" in caught.value.hint
    (took,) = b.json("import", out, "--accept-gap")["imports"]
    assert (took["state"], took["gap"], took["added"]) == ("committed", True, 5)


def test_the_first_step_is_named_where_something_is_missing(pair, tmp_path):
    a, b, out = pair
    a("export", "--for", "b", "--out", out)
    stranger = Institution(tmp_path / "c")
    for words, code, hint in (
        (["import", out], "input-missing", "docs/reference/exchange.md"),
        (["keys", "show"], "input-missing", "lineage keys new"),
    ):
        with pytest.raises(LineageError) as caught:
            stranger(*words)
        assert caught.value.code == code
        assert hint in caught.value.hint
    for words, code in (
        (["export", "--for", "x", "--check"], "input-missing"),
        (["export", "--for", "../b", "--check"], "usage"),
        (["export", "--for", "x", "--policy", a.folder / "partners" / "b.yaml"], "usage"),
    ):
        with pytest.raises(LineageError) as caught:
            a(*words, "--out", tmp_path / "no.zip")
        assert caught.value.code == code
    for words in (["export", "--check"], ["export", "--for", "b", "--format", "turtle"]):
        done = CliRunner().invoke(cli, ["--store", a.store, *words])
        assert done.exit_code == 2
    assert not (tmp_path / "no.zip").exists()
    entries = a.json("stats")["entries"]
    with pytest.raises(LineageError, match="cannot write"):
        a("export", "--for", "b", "--out", tmp_path / "nowhere" / "p.zip")
    assert a.json("stats")["entries"] == entries
    with pytest.raises(LineageError) as caught:
        b("import", out, "--trust", tmp_path / "none.yaml")
    assert caught.value.code == "input-missing"


def test_other_zip_files_are_still_what_they_were(pair, tmp_path):
    _, b, _ = pair
    (tmp_path / "other.zip").write_bytes(b"PK\x03\x04 nothing of ours")
    with pytest.raises(LineageError) as caught:
        b("import", tmp_path / "other.zip")
    assert caught.value.code == "unknown-format"


def test_a_package_is_shown_with_what_validation_finds_in_it(pair):
    a, b, out = pair
    times = {"prov:startTime": "2026-01-02T00:00:00Z", "prov:endTime": "2026-01-01T00:00:00Z"}
    document = {**DOCUMENT, "activity": {"ex:run": times}}
    (out.parent / "backwards.json").write_text(json.dumps(document))
    policy = a.folder / "partners" / "b.yaml"
    policy.write_text(policy.read_text() + "  - keep: {name: started}\n  - keep: {name: ended}\n")
    a("import", out.parent / "backwards.json")
    a("export", "--for", "b", "--out", out)
    b("import", out)
    (finding,) = b.json("quarantine", "show", "a/1")["findings"]
    assert (finding["code"], finding["severity"]) == ("clock-30", "warning")
    assert (finding["subject"], finding["constraint"]) == ("https://a.example/run", 30)
    told = b("quarantine", "show", "a/1").stdout
    assert f"  warning clock-30: {finding['message']}\n      {finding['path'][0]}\n" in told


def test_a_steward_ties_two_things(pair):
    a, _, _ = pair
    words = ["https://a.example/model", "https://a.example/data", "--reason", "the same release"]
    assert "1 new" in a("exchange", "tie", *words, "--confidence", "0.5").stdout
    assert "1 unchanged" in a("exchange", "tie", *words, "--confidence", "0.5").stdout


def test_nothing_that_a_partner_wrote_reaches_the_terminal_as_a_command(pair, capsys):
    a, b, out = pair
    document = {**DOCUMENT, "entity": {"ex:model": {"prov:label": "\x1b[2Jcleared"}}}
    (out.parent / "evil.json").write_text(json.dumps(document))
    a("import", out.parent / "evil.json")
    a("export", "--for", "b", "--out", out)
    b("import", out)
    told = b("quarantine", "show", "a/1").stdout
    assert "cleared" in told
    assert "\x1b[2J" not in told + a("export", "--for", "b", "--check").stdout
    package = zip_reader.read(out.read_bytes(), most_bytes=10**6, most_files=16, where="package")
    envelope = json.loads(package["envelope.dsse.json"])
    envelope["signatures"] = [{"keyid": "\x1b[2Jcleared", "sig": "AA=="}]
    package["envelope.dsse.json"] = json.dumps(envelope).encode()
    out.write_bytes(zip_writer.write(package))
    with pytest.raises(SystemExit):
        main(["--store", b.store, "import", str(out)])
    said = capsys.readouterr().err
    assert "error[bad-signature]" in said
    assert "\x1b[2J" not in said
