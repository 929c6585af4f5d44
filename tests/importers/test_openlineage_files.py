# SPDX-License-Identifier: Apache-2.0
"""What people keep events in: each holds the same two, and what is broken costs itself alone."""

from __future__ import annotations

import json

import pytest

from importers import sniff
from importers.base import Options, Source
from importers.openlineage import IMPORTER
from lineage.errors import BadInput, InputTruncated, Rejected
from lineage.model.record import line
from tests.importers.openlineage_events import RUN, dataset, event

START, END = event("START", inputs=[dataset("raw")]), event("COMPLETE", outputs=[dataset("clean")])
ONE, OTHER = json.dumps(START), json.dumps(END)
WIDE = dataset(
    "wide", facets={"schema": {"fields": [{"name": f"column{n}"} for n in range(9_000)]}}
)
BOTH = f"{ONE}\n{OTHER}\n"

WRAPPINGS = {
    "lines": BOTH,
    "lines without the last break": f"{ONE}\n{OTHER}",
    "CRLF": f"{ONE}\r\n{OTHER}\r\n",
    "blank lines": f"\n\n{ONE}\n\n\n{OTHER}\n\n",
    "a list": f"[{ONE}, {OTHER}]",
    "a list with indents": json.dumps([START, END], indent=2),
    "a list, an event a line": f"[\n{ONE},\n{OTHER}\n]\n",
    "objects one after another": ONE + OTHER,
    "objects with blanks between": f"{ONE} {OTHER}",
    "objects with indents": json.dumps(START, indent=4) + "\n" + json.dumps(END, indent=4),
    "objects that begin lines inside": ONE.replace('[{"namespace', '[\n{"namespace') + "\n" + OTHER,
    "lines with commas": f"{ONE},\n{OTHER},\n",
    "two lists": f"[{ONE}]\n[{OTHER}]\n",
    "Marquez": json.dumps({"events": [START, END], "totalCount": 2}),
    "Marquez with indents": json.dumps({"totalCount": 2, "events": [START, END]}, indent=1),
    "answers of Marquez": json.dumps({"events": [START]}) + "\n" + json.dumps({"events": [END]}),
    "record separators": f"\x1e{ONE}\n\x1e{OTHER}\n",
    "record separators and indents": f"\x1e{json.dumps(START, indent=1)}\n\x1e{json.dumps(END, indent=1)}\n",
    "Kafka": f"run:lab/load\t{ONE}\nrun:lab/load\t{OTHER}\n",
    "Kafka with JSON keys": f'{{"k": 1}}\t{ONE}\n{{"k": 1}}\t{OTHER}\n',
    "a log": f"[2026-03-02T10:00:00,000] INFO - {ONE}\n2026-03-02 10:00 INFO lineage: {OTHER}\n",
    "a log with brackets": f"[2026-03-02] {{task}} INFO - {ONE}\n[2026-03-02] {{task}} - {OTHER} done\n",
}  # fmt: skip


def read(data: bytes | str):
    raw = data.encode() if isinstance(data, str) else data
    source = Source.of("-", raw)
    assert [importer.name for importer in sniff(source)] == ["openlineage"]
    return list(IMPORTER.read(source, Options()))


def said(batches):
    return sorted({line(record) for batch in batches for record in batch.records})


def lost(batches, what):
    return [loss for batch in batches for loss in batch.losses if loss.what == what]


EXPECTED = said(IMPORTER.read(Source.of("-", BOTH.encode()), Options()))


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_the_same_two_events_are_read_out_of(wrapping):
    found = read(WRAPPINGS[wrapping])
    assert said(found) == EXPECTED
    assert not lost(found, "events")
    assert found[-1].seen["events"] == 2


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8"]
)
@pytest.mark.parametrize("wrapping", ["lines", "a list", "objects with indents", "Kafka"])
def test_the_encoding_is_told_by_the_bytes(wrapping, encoding):
    found = read(WRAPPINGS[wrapping].encode(encoding))
    assert said(found) == EXPECTED


@pytest.mark.parametrize("keys", [["inputs", "run"], ["schemaURL", "inputs", "job"]])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_an_event_is_recognised_behind_a_wide_schema(keys, encoding, tmp_path):
    shown = {**START, "inputs": [WIDE]}
    shown = {key: shown[key] for key in (*keys, *shown) if key in shown}
    file = tmp_path / "wide.json"
    file.write_bytes(json.dumps(shown).encode(encoding))
    (found,) = sniff(Source.of(file))
    assert found.name == "openlineage"
    assert list(IMPORTER.read(Source.of(file), Options()))[-1].seen["events"] == 1


@pytest.mark.parametrize(
    "text",
    ["{}", '{"run": 1, "job": 2}', "hello\n{ world }\n", '[1, {"eventTime": 3}]', "\x1e", "[[]]",
     'x = {"eventTime": 1}', '{"inputs": "' + "x" * 100_000 + '"}'],
)  # fmt: skip
def test_other_text_is_not_taken_for_events(text):
    assert not IMPORTER.sniffs(Source.of("-", text.encode()))


# --- what is broken ------------------------------------------------------------------------------

GOOD = [json.dumps(event(run={"runId": RUN.replace("ea", f"{n:02x}", 1)})) for n in range(20)]


@pytest.mark.parametrize(
    ("broken", "at"),
    [
        ("\n".join([*GOOD, ONE[:90]]), 21),
        ("\n".join([*GOOD[:4], ONE[:90], *GOOD[4:]]), 5),
        ("\n".join([*GOOD[:4], ONE[90:], *GOOD[4:]]), 5),
        ("\n".join([*GOOD[:4], ONE.replace(":", ";", 1), *GOOD[4:]]), 5),
        ("\n".join([ONE[:90], *GOOD]), 1),
        ("\r\n".join([*GOOD, ONE[:90]]), 21),
        ("\n".join([*GOOD[:4], '{"a": NaN}', *GOOD[4:]]), 5),
        ("[\n" + ",\n".join([*GOOD, ONE[:90]]), 22),
        ("[" + ", ".join([*GOOD, ONE[:90]]), 1),
        ("\x1e" + "\n\x1e".join([*GOOD[:4], ONE[:90], *GOOD[4:]]), 5),
        ("".join([*GOOD, ONE[:90]]), 1),
        ("\n".join(f"key\t{one}" for one in [*GOOD[:4], ONE[:90], *GOOD[4:]]), 5),
        ("\n".join(f"INFO - {one}" for one in [*GOOD, ONE[:90]]), 21),
        (json.dumps([*map(json.loads, GOOD)], indent=1)[:-2] + ',\n {\n  "run": {\n', None),
    ],
    ids=range(14),
)  # fmt: skip
def test_a_broken_event_costs_itself_and_is_counted_with_its_line(broken, at):
    found = read(broken)
    assert found[-1].seen["events"] == 20
    (loss,) = lost(found, "events")
    assert loss.number == 1
    assert at is None or f"line {at}" in loss.reason


def test_what_events_say_and_is_not_kept_does_not_change_how_many_events_there_are():
    alone = event("START", inputs=[dataset("raw")])
    alone["run"]["facets"] = {"parent": {"nothing": "of use"}}
    found = read("\n".join(json.dumps(one) for one in (alone, END, START)))
    assert [loss.number for loss in lost(found, "parents")] == [1]
    assert found[-1].seen["events"] == 3


def test_bytes_that_are_no_text_cost_their_line():
    found = read("\n".join(GOOD).encode() + b'\n{"run": "\xff\xfe"}\n')
    assert found[-1].seen["events"] == 20
    assert [loss.number for loss in lost(found, "events")] == [1]


def test_lines_of_a_log_without_an_event_are_counted():
    found = read(f"starting\nINFO - {ONE}\nINFO {{retry}} 3\nINFO - {OTHER}\n")
    assert said(found) == EXPECTED
    (loss,) = lost(found, "lines")
    assert loss.number == 2
    assert "line 1" in loss.reason


@pytest.mark.parametrize(
    ("text", "error", "place"),
    [(ONE[:90], InputTruncated, "line 1"), (f"\n\n{ONE[:90]}", InputTruncated, "line"),
     (ONE.replace(":", ";"), BadInput, "line 1"), ('{"a": 1}', Rejected, ""), ("", BadInput, "")],
)  # fmt: skip
def test_where_there_is_no_event_at_all_is_one_error(text, error, place):
    with pytest.raises(error) as caught:
        list(IMPORTER.read(Source.of("-", text.encode()), Options()))
    assert caught.value.hint
    assert place in str(caught.value.where)


def test_a_file_of_broken_lines_takes_time_in_proportion():
    """A broken value is not looked for its end in all that follows, again and again."""
    text = "\n".join([ONE[:200]] * 3_000 + [OTHER])
    found = list(IMPORTER.read(Source.of("-", text.encode()), Options()))
    assert [loss.number for loss in lost(found, "events")] == [3_000]


# --- members that are written twice ----------------------------------------------------------------

ENGINE = '"processing_engine": {"version": "4.2.0", "name": "spark"}'
SPACED = '"processing_engine" : { "name":"spark", "version":"4.2.0" }'
OLDER = '"processing_engine": {"version": "3.5.0", "name": "spark"}'


def with_facets(*facets: str) -> str:
    whole = json.dumps(event("START", run={"runId": RUN, "facets": {"HERE": 1}}))
    return whole.replace('"HERE": 1', ", ".join(facets))


@pytest.mark.parametrize("again", [ENGINE, SPACED, ENGINE.replace("engine", "\\u0065ngine")])
def test_a_member_of_equal_content_written_twice_is_read_once(again):
    assert said(read(with_facets(ENGINE, again))) == said(read(with_facets(ENGINE)))


@pytest.mark.parametrize(
    ("one", "other"),
    [('"x": {"a": 1}', '"x": {"a": 2}'), ('"x": {"a": 1}', '"x": {"a": true}'),
     ('"x": {"a": 1}', '"x": {"a": 1.0}'), ('"x": {"a": []}', '"x": {"a": {}}'),
     ('"x": {"a": 1, "a": 2}', '"y": {}'), (ENGINE, OLDER)],
)  # fmt: skip
@pytest.mark.parametrize("wrap", ["{0}\n{1}\n", "[{1}, {0}]", '{{"events": [{1}, {0}]}}', "{1}{0}"])
def test_a_member_of_another_content_costs_that_event_with_its_place(one, other, wrap):
    found = read(wrap.format(OTHER, with_facets(one, other)))
    assert said(found) == said(read(OTHER))
    (loss,) = lost(found, "events")
    assert loss.number == 1
    assert "appears twice" in loss.reason
    assert "event " in loss.reason


def test_a_key_that_looks_like_the_mark_of_a_key_hides_no_other():
    tricky = '"x": {"a\\":b": "c\\":d", "e" : 1}'
    assert not lost(read(with_facets(tricky)), "events")
    with pytest.raises(Rejected, match="appears twice"):
        read(with_facets(tricky, '"y": {"f" : 1, "f":2}'))
