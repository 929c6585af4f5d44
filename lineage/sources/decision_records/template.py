# SPDX-License-Identifier: Apache-2.0
"""Writes new records: a template that teaches, with what is known filled in.

What the role of a record asks for stands in it to be filled in, with an example beside it; the rest stands there as a
comment. A placeholder that is left is a value that is missing, which ``lineage decision check`` tells.
"""

from __future__ import annotations

import json
import re
import secrets
import time
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lineage.sources.decision_records.fields import FIELDS, MINIMUM, VERSION

#: The digits of identifiers: Crockford's, of which none looks like another.
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_LONGEST_SLUG = 60
_PLAIN = re.compile(r"[A-Za-z_][\w .,/+-]*[\w.+]|\d{4}-\d{2}-\d{2}")

#: A worked example of each key, as YAML: what somebody wrote who deduplicated a data set.
_EXAMPLES: Mapping[str, str] = {
    "tags": "[deduplication, web]",
    "review": "{required: 1, by: [bob], due: 2026-12-01}",
    "hypothesis": '"Deduplicating the web split raises macro-F1 by a point"',
    "competing": '["the gain is label leakage", "the gain is noise of the seed"]',
    "intuition": '"near-duplicates dominate class 3"',
    "criteria": "\n  - {metric: macro_f1, data: 'dataset:eval', op: '>=', value: 0.01, baseline: 'run:ab12',\n"
    "     min_runs: 6, test: paired-t, resamples: runs, level: 0.95}",
    "assumptions": '["the labels of duplicates agree"]',
    "risks": "\n  - {text: 'rare languages lose data', likelihood: medium, impact: high, mitigation: 'keep 100 of each'}",
    "pressure": '{deadline: 2026-12-15, budget: "40 GPU hours", note: "the paper is due"}',
    "plan": "{inputs: ['dataset:web'], config: {lr: 0.1}, commit: HEAD, seeds: [1, 2, 3, 4, 5, 6]}",
    "expected": '{macro_f1: "+0.01"}',
    "tradeoffs": '["preprocessing takes an hour longer"]',
    "exclusions": "\n  - {data: 'dataset:web', rule: \"lang != 'en'\", reason: 'the labels are English'}",
    "limitations": '["says nothing about images"]',
    "biases": '["the crawl has more news than speech"]',
    "quality-issues": '["2 % of the rows have no label"]',
    "licence": "CC-BY-4.0",
    "retention": '"until the paper is published, at most 5 years"',
    "uncertainty": '"mean and 95 % interval over seeds"',
    "rollback": '"lineage deploy model:web@v2 --to prod"',
    "verdict": '"approve"',
    "gaps": '["no run without the change under the same seeds"]',
    "ethics": '{approval: "IRB-123", consent: "research only", restrictions: ["no re-identification"]}',
    "lessons": "\n  - {text: 'lr above 0.1 diverges', about: ['run:ab12'], tags: [divergence]}",
    "links": "{runs: ['run:ab12'], supersedes: [dec-01jd3k], prs: ['#12']}",
    "sensitivity": "internal",
    "revisit": '{date: 2027-02-01, when: "the data set has a new version"}',
}  # fmt: skip
#: What stands at a key to be filled in.
_TO_FILL: Mapping[str, str] = {
    "hypothesis": '"{what you believe, so that it can be found wrong}"',
    "criteria": '\n  - {metric: "{name}", op: ">=", value: "{number}", baseline: "{run or decision}", '
    "min_runs: 6, test: paired-t, resamples: runs, level: 0.95}",
    "exclusions": '\n  - {data: "{reference}", rule: "{what is left out}", reason: "{why}"}',
    "risks": '\n  - {text: "{what may go wrong}", likelihood: low, impact: low, mitigation: "{what is done}"}',
    "plan": '{inputs: ["{reference}"], config: {}, seeds: ["{seed}"]}',
    "review": '{required: 1, by: ["{name}"]}',
    "pressure": '{note: "{deadlines, budgets}"}',
    "ethics": '{approval: "{who, number}"}',
}
_SECTIONS = (
    ("Context and Problem Statement", "{What is the question, and why now? Two or three sentences.}"),
    ("Considered Options", "* {option 1}\n* {option 2}"),
    ("Decision Outcome", 'Chosen option: "{option 1}", because {why}.'),
    ("Consequences", "* Good, because {…}\n* Bad, because {…}"),
    ("Confirmation", "{How will it be seen whether it was right? The criteria above are computed.}"),
    ("Failures and lessons", "{What went wrong, and what others should know. Empty until then.}"),
    ("Freeform notes", "{Anything.}"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """What is known of a new record. ``plan`` and ``links`` are values of front matter, ``lessons`` lines that who writes
    it should read first.
    """

    title: str
    ident: str
    date: str
    author: str
    kind: str | None = None
    role: str | None = None
    plan: Mapping[str, Any] = field(default_factory=dict)
    baseline: str | None = None
    links: Mapping[str, Any] = field(default_factory=dict)
    lessons: Sequence[str] = ()


def new_id(
    now: Callable[[], float] = time.time, random: Callable[[int], bytes] = secrets.token_bytes
) -> str:
    """A new identifier, which sorts by the time it was made (a ULID in small letters).

    >>> new_id(lambda: 1.7e9, bytes)
    'dec-01hf7yat000000000000000000'
    """
    number = int(now() * 1000) << 80 | int.from_bytes(random(10), "big")
    return "dec-" + "".join(_DIGITS[number >> 5 * place & 31] for place in reversed(range(26)))


def slug(title: str) -> str:
    """The name of a file for a title.

    >>> slug("Use one Store: why?")
    'use-one-store-why'
    """
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:_LONGEST_SLUG].strip("-") or "decision"


def written(new: New) -> str:
    """The text of a new record."""
    return "".join((*_front(new), f"\n# {new.title}\n", *_body()))


def composed(front: Mapping[str, Any], title: str, sections: Mapping[str, str | None]) -> str:
    """The text of a record that says this, and no more."""
    lines = [
        f"{key}: {flow(value)}\n" for key, value in front.items() if value not in (None, [], {})
    ]
    told = [f"\n## {name}\n\n{text.strip()}\n" for name, text in sections.items() if text]
    return "".join(("---\n", *lines, f"---\n\n# {title}\n", *told))


def _front(new: New) -> Iterator[str]:
    yield "---\n"
    yield from _lines("status", "proposed")
    yield from _lines("date", new.date)
    yield from _lines("decision-makers", f"[{yaml_text(new.author)}]")
    yield from _lines("lineage", str(VERSION))
    yield from _lines("id", new.ident)
    for key, value in (("kind", new.kind), ("role", new.role)):
        if value is not None:
            yield from _lines(key, value)
    yield from _lines("owner", yaml_text(new.author))
    wanted = dict.fromkeys(path.partition(".")[0] for path in MINIMUM.get(new.role or "", ()))
    known: dict[str, Mapping[str, Any]] = {"plan": new.plan, "links": new.links}
    for key, held in known.items():
        if held:
            yield from _lines(key, flow(held))
    for line in new.lessons:
        yield f"# {''.join(c if c.isprintable() else '?' for c in line)}\n"
    for key in wanted:
        if not known.get(key):
            yield f"# {FIELDS[key][1]}"
            yield f" For example:{_commented(_EXAMPLES[key])}"
            told = _TO_FILL.get(key, '"{…}"')
            if key == "criteria" and new.baseline is not None:
                told = told.replace('"{run or decision}"', yaml_text(new.baseline))
            yield from _lines(key, told)
    rest = [key for key in _EXAMPLES if key not in wanted and not known.get(key)]
    yield "# More that can be said, each by example (all of it is optional):\n"
    for key in rest:
        yield f"# {key}:{_commented(_EXAMPLES[key])}"
    yield "---\n"


def _body() -> Iterator[str]:
    for title, text in _SECTIONS:
        hashes = "###" if title in {"Consequences", "Confirmation"} else "##"
        yield f"\n{hashes} {title}\n\n{text}\n"


def _lines(key: str, value: str) -> Iterator[str]:
    yield f"{key}:{'' if value.startswith(chr(10)) else ' '}{value}\n"


def _commented(example: str) -> str:
    text = example if example.startswith("\n") else f" {example}"
    return text.replace("\n", "\n#") + "\n"


def yaml_text(text: str) -> str:
    """A text as YAML has it on one line, in quotes where it needs them."""
    plain = _PLAIN.fullmatch(text) and text.lower() not in {"null", "true", "false", "yes", "no"}
    return text if plain else json.dumps(text, ensure_ascii=False)


def flow(value: Any) -> str:
    """Texts, lists and mappings as YAML in flow style."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{yaml_text(str(k))}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    return yaml_text(str(value))
