# SPDX-License-Identifier: Apache-2.0
"""The status in the text of a record is changed where people wrote it, and no other byte of the record is."""

from __future__ import annotations

import re

import pytest

from lineage.errors import BadInput
from lineage.sources.decision_records import record as records
from lineage.sources.decision_records.status_edit import with_status
from lineage.sources.decision_records.statuses import STATUSES
from tests.conftest import ROOT
from tests.decisions.conftest import FORMS, record

BODY = "# X\n\n## Decision\n\nAs it is.\n"
NEW = records.read(
    b"---\nstatus: accepted\n---\n# Use one: store\n\n## Decision\n\nThat.\n",
    "adr/0012-one-store.md",
)

#: Text before the status, the status, text behind it.
PLACES = {
    "front": ("---\nid: a\nstatus: ", "accepted", f"\ndate: 2026-01-01\n---\n{BODY}"),
    "comment": ("---\nstatus:   ", "accepted", f"   # since: may\nid: a\n---\n{BODY}"),
    "quoted": ('---\nstatus: "', "accepted", f'" # x\n---\n{BODY}'),
    "single": ("---\n'status' : '", "Accepted", f"'\n---\n{BODY}"),
    "quoted emphasis": ('---\nstatus: "**', "accepted", f'**"\n---\n{BODY}'),
    "words before": ("---\nowner: Zoë 🎉\nnote: |\n  status: draft\nstatus: ", "draft", f"\n---\n{BODY}"),
    "bom": ("\ufeff---\r\nstatus: ", "proposed", f"\r\n---\r\n{BODY}"),
    "mixed ends": ("---\r\nid: a\nstatus: ", "proposed", f"\r\n---\n{BODY}"),
    "unknown": ("---\nstatus: ", "on hold", f"\n---\n{BODY}"),
    "unknown in a section": ("# X\n\n## Status\n\n", "Approved", "\n\n## Decision\n\nThat."),
    "bullet": ("# X\n\n* Status: ", "accepted", "\n* Date: 2026-01-01\n\n## Decision\n\nThat."),
    "bullet with a comment": ("# X\n\n- Status:  ", "accepted", " <!-- optional -->  \n- Date: y\n\n## Decision\n"),
    "comment before": ("# X\n\n- Status: <!-- one of six --> ", "accepted", "\n\n## Decision\n"),
    "bold name": ("# X\n\n  * **Status:** ", "Accepted", "\n\n## Decision\n\nThat."),
    "bold value": ("# X\n\n+ __Status__: **", "Accepted", "**\n\n## Decision\n\nThat."),
    "paragraph": ("# X\n\nDate: 2026-01-01\nStatus: ", "accepted", "\nDeciders: Bo\n\n## Context\n"),
    "quote": ("# X\n\n> Status: ", "accepted", "\n\n## Context\n"),
    "number": ("# X\n\n1. Status: ", "accepted", "\n2. Deciders: Bo\n\n## Context\n"),
    "front without": ("---\nid: a\n---\n# X\n\n- Status: ", "accepted", "\n\n## Context\n"),
    "section": ("# 1. X\r\n\r\nDate: x\r\n\r\n## Status\r\n\r\n", "Accepted", "\r\n\r\nAmends [2. Y](y.md)\r\n\r\n## Context\r\n"),
    "section at once": ("# 1. X\n## Status\n", "ACCEPTED", "\nand more of it\n## Context"),
    "section underlined": ("X\n===\n\nstatus\n------\n\n\n\n  ", "accepted", "  \n\nContext\n-------\n"),
    "section in bold": ("# X\n\n## Status\n\n<!-- one -->\n\n* **", "Accepted", "**\n\n## Context\n"),
    "a sentence": ("# X\n\n## Status\n\n", "Accepted", ". We look at it again in May.\n\n## Context\n"),
    "at the end": ("# X\n\n## Context\n\n## Status\n\n", "Proposed", ""),
    "other separators": ("# X\n\nA\u2028B\x0bC\x85D\n\n## Status\n\n", "Accepted", "\n\n## Context\n"),
    "old lines": ("# X\r\r- Status: ", "accepted", "\r- Date: x\r\r## Decision\r"),
}  # fmt: skip


def edited(data, status, path="adr/0001-x.md"):
    return with_status(data, path, status, NEW if status == "superseded" else None)


def cased(word, like):
    return word.upper() if like.isupper() else word.capitalize() if like[0].isupper() else word


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("status", ["draft", "proposed", "rejected", "accepted", "deprecated"])
def test_the_word_is_another_one_and_everything_else_is_as_it_was(place, status):
    before, old, behind = PLACES[place]
    data = f"{before}{old}{behind}".encode()
    done = edited(data, status)
    new = old if old.lower() == status else cased(status, old)
    assert done.data == f"{before}{new}{behind}".encode()
    assert records.read(done.data, "adr/0001-x.md").status == status
    line = done.data.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")[done.line - 1]
    assert new in line
    assert edited(done.data, status).data == done.data


@pytest.mark.parametrize("place", PLACES)
def test_what_took_its_place_is_named_as_its_dialect_names_it(place):
    before, old, behind = PLACES[place]
    link = (
        "[12. Use one: store](0012-one-store.md)"
        if "# Status" in before.title() or "Status\n--" in before.title()
        else "[ADR-0012](0012-one-store.md)"
    )
    done = edited(f"{before}{old}{behind}".encode(), "superseded")
    assert done.data == f"{before}{cased('superseded', old)} by {link}{behind}".encode()
    assert edited(done.data, "superseded").data == done.data
    read = records.read(done.data, "adr/0001-x.md")
    assert read.status == "superseded"
    assert ("superseded-by", "0012-one-store.md") in {(n.link, n.href) for n in read.links}


@pytest.mark.parametrize(
    ("by", "link"),
    [
        ("adr/sub/0012-x.md", "[ADR-0012](sub/0012-x.md)"),
        ("other/adr/20260101-x.md", "[20260101-x](../other/adr/20260101-x.md)"),
        ("adr/0012 a (b) #1 ü.md", "[ADR-0012](0012%20a%20%28b%29%20%231%20ü.md)"),
        ("adr/no number: at [all].md", "[no%20number%3A%20at%20%5Ball%5D](no%20number%3A%20at%20%5Ball%5D.md)"),
    ],
)  # fmt: skip
def test_the_link_is_relative_to_the_file_and_whatever_its_name_it_is_read_back(by, link):
    new = records.read(NEW.data, by)
    for form in ("bullets", "front"):
        data = FORMS[form].format(title="X", status="accepted").encode()
        done = with_status(data, "adr/0001-x.md", "superseded", new)
        assert done.data == data.replace(b"accepted", f"superseded by {link}".encode())


REFUSED = {
    "no status": record("X"),
    "empty": f"---\nstatus:\n---\n{BODY}",
    "placeholder": f'---\nstatus: "{{proposed | accepted}}"\n---\n{BODY}',
    "placeholder in a bullet": "# X\n\n- Status: [draft | accepted]\n\n## Decision\n\nThat.\n",
    "template of Nygard": "# X\n\n## Status\n\nWhat is the status, such as proposed or accepted?\n\n## Context\n",
    "empty section": "# X\n\n## Status\n\n## Context\n\nWhy.\n",
    "prose": "# X\n\n## Status\n\nWe talked.\n\n## Context\n",
    "a remark": "# X\n\n- Status: accepted (#12)\n\n## Context\n",
    "who": "# X\n\n## Status\n\nAccepted by Ana on 2026-01-01\n\n## Context\n",
    "by another": FORMS["front"].format(title="X", status="superseded by [A](a.md)"),
    "twice": f"---\nstatus: accepted\nstatus: draft\n---\n{BODY}",
    "two places": "---\nstatus: accepted\n---\n# X\n\n- Status: proposed\n\n## Context\n",
    "front and section": "---\nstatus: accepted\n---\n# X\n\n## Status\n\nProposed\n",
    "folded": f"---\nstatus: >\n  accepted\n---\n{BODY}",
    "two lines": f'---\nstatus: "acc\\\n  epted"\n---\n{BODY}',
    "escaped": f'---\nstatus: "accept\\u0065d"\n---\n{BODY}',
    "list": f"---\nstatus: [accepted]\n---\n{BODY}",
    "comment inside": "# X\n\n- Status: accepted <!-- a --> (#12)\n\n## Context\n",
    "fence": "# X\n\n## Status\n\n```\naccepted\n```\n\n## Context\n",
    "conflict": f"---\n<<<<<<< ours\nstatus: accepted\n>>>>>>> theirs\n---\n{BODY}",
    "no yaml": f"---\nstatus: accepted\nowner: @ana\n---\n{BODY}",
}


@pytest.mark.parametrize("name", REFUSED)
def test_where_it_is_not_clear_what_to_change_nothing_is_changed_and_that_is_said(name):
    for status in ("rejected", "superseded"):
        with pytest.raises(BadInput) as refused:
            edited(REFUSED[name].encode(), status)
        assert refused.value.where.startswith("adr/0001-x.md")
        assert refused.value.hint


def test_a_sentence_that_would_be_read_as_part_of_the_new_status_is_no_place_for_it():
    data = b"# X\n\n## Status\n\nAccepted. Supersedes [1. Old](0001-old.md)\n\n## Context\n"
    assert edited(data, "deprecated").data == data.replace(b"Accepted", b"Deprecated")
    with pytest.raises(BadInput, match="read as something else"):
        edited(data, "superseded")


def every_edit(files):
    """Edit texts to every status, with other ends of lines, a byte order mark and no last newline too: what comes out
    reads as the new status and differs in one line, or it is refused. Returns how many were edited.
    """
    number = 0
    for name, data in files.items():
        plain = data.replace(b"\r\n", b"\n")
        for text in (data, plain.replace(b"\n", b"\r\n"), data.rstrip(), b"\xef\xbb\xbf" + data):
            for status in STATUSES:
                try:
                    done = edited(text, status)
                except BadInput:
                    continue
                number += 1
                assert records.read(done.data, "adr/0001-x.md").status == status, name
                assert edited(done.data, status).data == done.data, name
                pairs = zip(lines(text), lines(done.data), strict=True)
                differ = [at for at, (old, new) in enumerate(pairs, 1) if old != new]
                assert differ == ([] if done.data == text else [done.line]), name
    return number


def lines(data):
    return re.split(b"(?<=\n)|(?<=\r)(?!\n)", data)


def below(folder):
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*.md"))}


def test_every_record_here_is_read_as_the_new_status_and_differs_in_one_line_or_is_refused():
    words = (*STATUSES, "Accepted", "Approved", "on hold", "superseded by [A](a.md)", "{x}", "")
    texts = {f"{n} {w}": f.format(title="X", status=w) for n, f in FORMS.items() for w in words}
    texts |= {name: "".join(parts) for name, parts in PLACES.items()} | REFUSED
    assert every_edit({name: text.encode() for name, text in texts.items()}) > 1_000
    ours = below(ROOT / "decisions") | below(ROOT / "lineage/demo")
    assert every_edit(ours) == len(ours) * 4 * len(STATUSES), "none of them is refused"


def test_so_is_every_record_of_the_corpus(corpora):
    assert every_edit(below(corpora / "decisions")) > 500
