# SPDX-License-Identifier: Apache-2.0
"""A terminal obeys nothing that others wrote, and shows it in the order in which it stands."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import unicodedata

import pytest

from lineage.cli import main, terminal

#: Clears the screen, writes the clipboard (OSC 52), turns text round, hides it, goes back in the line, and
#: begins a line that looks like one of ours.
EVIL = "a\x1b[2J\x1b]52;c;ZXZpbA==\x07\x9b31m\u202eb\u2066c\x1b[8md\r\nintact: 12 entries\x08\x00\u2028"
RUN = "00000009-0000-4000-8000-000000000000"
SELECT = "SELECT * { ?s <http://www.w3.org/2000/01/rdf-schema#label> ?l }"
COMMANDS = (
    ["import", "event.json"],
    ["find", "a"],
    ["ask", "kind:run"],
    ["ask", "*"],
    ["explain", f"label:{json.dumps(EVIL)}"],
    ["show", f"run:{RUN}"],
    ["trace", f"run:{RUN}"],
    ["trace", f"run:{RUN}", "--full"],
    ["impact", f"run:{RUN}"],
    ["why", f"run:{RUN}", f"run:{RUN}"],
    ["compare", f"run:{RUN}", f"run:{RUN}"],
    ["sparql", SELECT],
    ["validate"],
    ["validate", "evil.json"],
    ["stats"],
    ["log"],
    ["verify"],
    ["person", "suggest"],
    ["trace", EVIL],
    ["import", f"no{EVIL.replace(chr(0), '')}"],
    ["--store", f"x{EVIL.replace(chr(0), '')}/y.db", "stats"],
)


@pytest.fixture
def called(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LINEAGE_STORE", "s.db")
    monkeypatch.setenv("LINEAGE_ACTOR", f"eve{EVIL}".replace("\0", ""))
    event = {
        "eventType": "COMPLETE",
        "eventTime": "2026-01-01T00:00:00Z",
        "run": {"runId": RUN, "facets": {"nominalTime": {"nominalStartTime": EVIL}}},
        "job": {"namespace": f"n{EVIL}", "name": f"job{EVIL}"},
        "producer": f"http://p/{EVIL}",
        "schemaURL": "http://s",
        "inputs": [{"namespace": "n", "name": f"in{EVIL}"}],
    }
    (tmp_path / "event.json").write_text(json.dumps(event))
    document = {"prefix": {"e": "http://e/"}, "entity": {"e:a": {"prov:label": EVIL}}}
    document["activity"] = {"e:a": {"prov:startTime": EVIL}}
    (tmp_path / "evil.json").write_text(json.dumps(document))

    def call(*words):
        with pytest.raises(SystemExit):
            main(list(words))
        said = capsys.readouterr()
        return said.out + said.err

    call("import", "event.json")
    return call


def obeyed(text):
    """Characters that a terminal obeys, but for line breaks, tabs and colours of ours."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text) if sys.stdout.isatty() else text
    return {
        f"U+{ord(c):04X}" for c in plain if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")
    } - {"U+000A", "U+0009"}


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: ascii(" ".join(words))[1:40])
def test_no_command_prints_what_a_terminal_obeys(called, words):
    said = called(*words)
    assert said
    assert obeyed(said) == set()
    assert not any(line.strip().startswith("intact: 12") for line in said.splitlines())


@pytest.mark.parametrize("words", [["ask", "*"], ["log"], ["show", f"run:{RUN}"], ["trace", EVIL]])
def test_json_says_the_very_text_with_what_a_terminal_obeys_escaped(called, words):
    said = called(*words, "--json")
    assert obeyed(said) == set()
    told = json.dumps(json.loads(said), ensure_ascii=False)
    assert "\u202e" in told


@pytest.mark.parametrize("words", [["export"], ["export", "--format", "provn"], ["ask", "*"]])
def test_a_document_is_exact_in_a_pipe_and_harmless_on_a_terminal(called, words):
    command = [sys.executable, "-c", "from lineage.cli import main; main()", *words]
    ours, theirs = pty.openpty()
    done = subprocess.Popen(command, stdout=theirs, stderr=subprocess.DEVNULL)
    os.close(theirs)
    shown = b""
    while True:
        try:
            data = os.read(ours, 65536)
        except OSError:
            break
        if not data:
            break
        shown += data
    assert done.wait() == 0
    os.close(ours)
    text = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode().replace("\r\n", "\n"))
    assert text
    assert obeyed(text) == set()


def test_what_people_write_in_their_languages_stays_as_it_is():
    for text in (
        "naïve café",
        "数据\u3000集",
        "क्\u200cष",
        "👩\u200d🔬",
        "10\u00a0000",
        "हिन्दी",
    ):
        assert terminal.printable(text) == text


def test_only_our_own_colours_are_colours(capsys):
    terminal.echo(f"{terminal.style('a' + chr(27) + '[8mb', fg='red')} c\x1b[31md")
    said = capsys.readouterr().out
    assert "[8m" in said
    assert obeyed(said) == set()


def test_candidates_stand_on_lines_of_their_own_and_no_name_makes_one(called, tmp_path):
    document = {
        "prefix": {"e": "http://e/"},
        "entity": {f"e:{n}/twin": {"prov:label": "twin"} for n in range(3)},
    }
    document["entity"]["e:x"] = {"prov:label": "twin\n  Run   false"}
    (tmp_path / "twins.json").write_text(json.dumps(document))
    called("import", "twins.json")
    lines = called("trace", "twin").splitlines()
    assert [line.split()[:2] for line in lines[1:4]] == [["Entity", "twin"]] * 3
    assert lines[4].startswith("  next:")
