# SPDX-License-Identifier: Apache-2.0
"""What one addition touches, tried in a copy: the files that CONTRIBUTING names, and no other."""

from __future__ import annotations

import pytest

from tests.house.scratch import Scratch

#: A sub-property of every relation of PROV that there is a statement for.
NARROWED = """    *(
        narrower(row, code=100 + row.code, name=f"own{row.name}", inverse=f"back{row.name}")
        for row in _PROV
        if row.base is None and row.implied_by is None
    ),
"""
OURS_END = ")\n#: Every relation: those of PROV, then ours."

ROUND_TRIPS = """
from lineage import formats
from lineage.model import terms
from lineage.model.record import Batch, Edge, Node, line
from lineage.model.value import Ref, Literal

EX = "http://example.org/"
own = [r for r in terms.TABLE if r.code > 100]
assert len(own) == 18, len(own)
FORMATS = [formats.named(name) for name in formats.BUILTIN]
for row in own:
    base = terms.RELATIONS[row.root]
    a, b, c = f"{EX}a", f"{EX}b", f"{EX}c"
    nodes = tuple(
        {i: Node(id=i, kind=k) for i, k in ((a, row.effect), (b, row.cause), (c, row.cause))}.values()
    )
    more = {"http://example.org/note": "x"}
    batches = {
        "alone": [Edge(relation=row.name, effect=a, cause=b)],
        "beside its base": [
            Edge(relation=row.name, effect=a, cause=b), Edge(relation=base.name, effect=a, cause=b)
        ],
        "with attributes": [Edge(relation=row.name, effect=a, cause=b, attributes=more)],
        "twice": [
            Edge(relation=row.name, effect=a, cause=b),
            Edge(relation=row.name, effect=a, cause=b, attributes=more),
            Edge(relation=row.name, effect=a, cause=c),
        ],
        "the base alone": [Edge(relation=base.name, effect=a, cause=b)],
    }
    for argument in row.arguments:
        if argument.holds == "ref":
            held = {argument.key: Ref(f"{EX}d")}
            batches[argument.key] = [Edge(relation=row.name, effect=a, cause=b, attributes=held)]
    for what, edges in batches.items():
        if base.name in ("hadDictionaryMember", "derivedByInsertionFrom", "derivedByRemovalFrom"):
            continue
        batch = Batch(nodes=nodes, edges=tuple(edges))
        wanted = {line(record) for record in batch.records}
        for format in FORMATS:
            if format.name in ("dot", "svg", "rocrate"):
                format.dumps(batch)
                continue
            got = {line(r) for r in format.loads(format.dumps(batch)).records}
            assert got == wanted, (row.name, what, format.name, got ^ wanted)
print("all")
"""


@pytest.fixture
def scratch(tmp_path):
    return Scratch(tmp_path)


def test_a_sub_property_of_any_relation_of_prov_survives_every_format(scratch):
    scratch.insert("lineage/model/terms.py", OURS_END, NARROWED)
    assert scratch.script(ROUND_TRIPS) == "all\n"
    assert scratch.touched == {"lineage/model/terms.py"}


IMPORTER = '''# SPDX-License-Identifier: Apache-2.0
"""Lists of numbers, as an example of an importer."""

from importers.base import Importer
from lineage.model.record import Batch, Node


class NumbersImporter(Importer):
    name = "numbers"
    summary = "a list of numbers"

    def sniffs(self, source):
        return source.path is not None and source.path.suffix == ".numbers"

    def read(self, source, options):
        found = source.read().decode().split()
        yield Batch(nodes=tuple(Node(id=f"urn:number:{n}", kind="Entity") for n in found))


IMPORTER = NumbersImporter()
'''
FORMAT = '''# SPDX-License-Identifier: Apache-2.0
"""Identifiers, one a line, as an example of a format."""

from lineage.model.record import Batch, Node


class ListFormat:
    name = "list"

    def sniffs(self, data):
        return data.startswith(b"urn:")

    def loads(self, data, where="document"):
        return Batch(nodes=tuple(Node(id=i, kind="Entity") for i in data.decode().split()))

    def dumps(self, batch):
        return "".join(f"{node.id}\\n" for node in batch.nodes).encode()

    def losses(self, batch):
        return ()


FORMAT = ListFormat()
'''
ENGINE = '''# SPDX-License-Identifier: Apache-2.0
"""An engine that keeps what the one in memory keeps, as an example of one."""

from lineage.store.base import Caps
from lineage.store.memory import MemoryStore


class ToyStore(MemoryStore):
    caps = Caps(name="toy", persistent=False, native_walk=False)


def opened(address, options):
    return ToyStore()
'''
SERVICE = '''# SPDX-License-Identifier: Apache-2.0
"""Things of which nobody says anything."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Annotated

from lineage.services.answer import Answer, certify
from lineage.services.context import Context
from lineage.services.request import Request, Says, When
from lineage.services.as_of import at_one_moment
from lineage.store.base import Filter, Page, Subgraph


@dataclass(frozen=True, slots=True)
class SilentRequest(Request[Answer], graphql="silent", examples=("silent --most 3",)):
    """Things that have no label."""

    _: KW_ONLY
    most: Annotated[int, Says(text="How many.", at_least=1, at_most=9)] = 5
    at: When = None

    def answer(self, ctx: Context) -> Answer:
        page, stand = at_one_moment(
            ctx, self.at, lambda view: ctx.store.find(Filter(), Page(limit=self.most), view)
        )
        rows = [row for row in page.rows if row.label is None]
        return Answer(
            found=Subgraph(node_rows=rows, edge_rows=[]), certificate=certify(stand, None)
        )
'''
COMMAND = '''# SPDX-License-Identifier: Apache-2.0
"""lineage silent: things that have no label."""

import click

from lineage.cli.verb import verb
from lineage.services.read.silent import SilentRequest


@verb("silent", SilentRequest)
def COMMAND(answer):
    for node in answer.nodes:
        click.echo(node.id)
'''


def test_an_importer_is_its_file_and_a_line(scratch):
    scratch.add("importers/numbers.py", IMPORTER)
    scratch.insert("importers/__init__.py", '    "document",\n)', '    "numbers",\n')
    (scratch.folder / "some.numbers").write_text("1 2 3", "utf-8")
    assert "3 new" in scratch.lineage("--store", "s.db", "import", "some.numbers")
    assert scratch.touched == {"importers/numbers.py", "importers/__init__.py"}


def test_a_format_is_its_file_and_a_line(scratch):
    scratch.add("lineage/formats/listed.py", FORMAT)
    row = '    "list": FormatRow("lineage.formats.listed", "FORMAT", ("text/uri-list",), (".list",)),\n'
    scratch.insert("lineage/formats/__init__.py", '    "dot": FormatRow(', row)
    (scratch.folder / "some.list").write_text("urn:a\nurn:b\n", "utf-8")
    assert "2 new" in scratch.lineage("--store", "s.db", "import", "some.list")
    scratch.lineage("--store", "s.db", "export", "-o", "out.list")
    assert (scratch.folder / "out.list").read_text("utf-8") == "urn:a\nurn:b\n"
    assert scratch.touched == {"lineage/formats/listed.py", "lineage/formats/__init__.py"}


def test_an_engine_is_its_file_and_a_line(scratch):
    scratch.add("lineage/store/toy.py", ENGINE)
    scratch.insert(
        "lineage/store/engines.py", '    "memory": "', '    "toy": "lineage.store.toy",\n'
    )
    told = scratch.script(
        "import lineage; s = lineage.open('toy://x'); "
        "print(s.ingest(lineage.Batch(nodes=(lineage.Node(id='urn:a', kind='Run'),))).added, "
        "s.verify().state, s.store.caps.name)"
    )
    assert told == "1 intact toy\n"
    assert scratch.touched == {"lineage/store/toy.py", "lineage/store/engines.py"}


def test_a_verb_is_its_service_a_line_and_its_rendering(scratch):
    """On every interface: Python here and through a server, the command, GraphQL with a cost."""
    scratch.add("lineage/services/read/silent.py", SERVICE)
    line = "    silent: Final = Verb(lambda: read.silent.SilentRequest)\n"
    scratch.insert("lineage/verbs.py", "    # documents\n", line)
    scratch.add("lineage/cli/silent.py", COMMAND)
    scratch.insert("lineage/cli/__init__.py", '    "stats": "', '    "silent": "No label.",\n')
    scratch.script(
        "import lineage; s = lineage.open('s.db'); "
        "s.ingest(lineage.Batch(nodes=(lineage.Node(id='urn:a', kind='Run'), "
        "lineage.Node(id='urn:b', kind='Run', label='b'))))"
    )
    assert scratch.lineage("--store", "s.db", "silent", "--most", "2") == "urn:a\n"
    assert "How many. " in scratch.lineage("silent", "--help").replace("\n", " ")
    told = scratch.script(
        "import inspect, lineage, lineage.client.documents as d\n"
        "from lineage.client.remote import Remote\n"
        "from lineage.verbs import REQUESTS\n"
        "s = lineage.open('s.db')\n"
        "print(s.silent(most=2).ids, inspect.signature(Remote.silent))\n"
        "print(d.document(REQUESTS['silent']).splitlines()[0])\n"
        "from graphql_schema.schema import sdl\n"
        "from graphql_schema.limits import cost\n"
        "from graphql import parse\n"
        "text = sdl(); print('silent(' in text, cost(parse('{silent{nodes{id}}}'), None, {}))"
    )
    assert told.splitlines()[0].startswith("('urn:a',) (self, /, *, most: int = 5, at: ")
    assert told.splitlines()[1] == (
        "query silent($most: Int, $at: String) "
        "{ answer: silent(most: $most, at: $at) { ...Found } }"
    )
    assert told.splitlines()[2].startswith("True ")
    assert scratch.touched == {
        "lineage/services/read/silent.py",
        "lineage/verbs.py",
        "lineage/cli/silent.py",
        "lineage/cli/__init__.py",
    }
