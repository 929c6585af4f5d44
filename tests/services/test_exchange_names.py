# SPDX-License-Identifier: Apache-2.0
"""Names that are the same at every institution stay what they are, and what we say of them stands."""

from __future__ import annotations

import pytest

from lineage.errors import Rejected
from lineage.model import kinds
from lineage.model.record import Batch
from lineage.services.exchange import identifiers
from tests.services.forging import document, forge
from tests.services.partners import a_trusts

#: Name, how a package says it, its family, and how we describe it.
TORCH, COMMIT = "pkg:pypi/torch@2.9.1", "swh:1:rev:" + "b2" * 20
PERSON, DATA = "https://orcid.org/0000-0002-1825-0097", "https://doi.org/10.5281/zenodo.7"
GLOBAL = {
    TORCH: ("pkg:pypi/torch@2.9.1", "entity", kinds.Package(id=TORCH, label="as we say")),
    COMMIT: (COMMIT, "entity", kinds.Commit(id=COMMIT, label="as we say")),
    PERSON: ("orcid:0000-0002-1825-0097", "agent", kinds.Person(id=PERSON, label="as we say")),
    DATA: ("doi:10.5281/zenodo.7", "entity", kinds.Dataset(id=DATA, label="as we say")),
}
PREFIXES = {
    "pkg": "pkg:",
    "swh": "swh:",
    "orcid": "https://orcid.org/",
    "doi": "https://doi.org/",
}


def speaking_of(name, family, label="as b says"):
    """A package in which b describes a thing, and says that its run depends on it."""
    about = {name: {"prov:label": label, "lineage:license": "b's"}}
    word = {"agent": "wasAssociatedWith", "entity": "used"}[family]
    depends = {"_:r": {"prov:activity": "b:run", f"prov:{family}": name}}
    made = document(**{family: about, "activity": {"b:run": {}}, word: depends})
    made["prefix"] |= PREFIXES
    return made


def found_in(store, ident, **how):
    return [node for node in store.show(ident, **how).nodes if node.id == ident]


@pytest.mark.parametrize("ident", GLOBAL)
def test_a_name_that_everybody_uses_is_nobodys_claim(at, ident):
    a, (name, family, _) = at("sqlite"), GLOBAL[ident]
    found = a.admit(forge(speaking_of(name, family)).data, a_trusts())
    assert found.claims == 0
    (shown,) = found_in(a, ident)
    assert shown.label == "as b says"
    assert "https://b.example/run" in {node.id for node in a.impact(ident)}
    assert a.verify().state == "intact"


@pytest.mark.parametrize("engine", ["memory", "sqlite", "neo4j-2026.09.0"])
@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_what_we_say_of_it_is_shown_whoever_spoke_first(at, address, first):
    a = at("sqlite" if address.endswith(".db") else address.removesuffix(":"))
    described = Batch(nodes=tuple(kind.node() for _, _, kind in GLOBAL.values()))
    steps = [lambda: a.ingest(described)]
    last = None
    for name, family, _ in GLOBAL.values():
        last = forge(speaking_of(name, family, "evil"), after=last)
        steps.append(lambda data=last.data: a.admit(data, a_trusts()))
    for step in steps if first == "ours" else [*steps[1:], steps[0]]:
        step()
    for node in described.nodes:
        for moment in (None, a.store.head().size):
            (shown,) = found_in(a, node.id, at=moment)
            assert (shown.kind, shown.label) == (node.kind, "as we say"), node.id
            assert "license" not in shown.attributes
        assert "https://b.example/run" in {found.id for found in a.impact(node.id)}
    assert a.verify().state == "intact"


def test_a_name_of_another_family_than_it_has_here_is_refused(at):
    a = at()
    a.ingest(Batch(nodes=(kinds.Package(id=TORCH, label="torch").node(),)))
    with pytest.raises(Rejected, match="of kind Agent in the package, of family Entity here"):
        a.admit(forge(speaking_of(TORCH, "agent")).data, a_trusts())


@pytest.mark.parametrize("ident", [TORCH, COMMIT, DATA])
def test_a_partner_cannot_invalidate_what_has_a_name_that_everybody_uses(at, ident):
    """Not even before we speak of it."""
    a, (name, family, kind) = at("sqlite"), GLOBAL[ident]
    package = speaking_of(name, family)
    gone = {"_:i": {"prov:entity": name, "prov:activity": "b:revocation"}}
    a.admit(forge(package | {"wasInvalidatedBy": gone}).data, a_trusts())
    a.ingest(Batch(nodes=(kind.node(),)))
    answer = a.impact(ident)
    assert "https://b.example/run" in {node.id for node in answer}
    assert "invalidated" not in {gap.code for gap in answer.certificate.gaps}
    (row,) = (row for row in a.find() if "claim:b:" in row.id)
    assert identifiers.claimed("b", row.id) == ident


@pytest.mark.parametrize(
    "ident",
    [
        "pkg:generic/model@1",
        "pkg:pypi/",
        "swh:1:rev:00",
        "swh:1:rev:" + "b2" * 20 + ";origin=https://evil.example",
        "https://orcid.org/ana",
        "https://orcid.org.evil.example/0000-0002-1825-0097",
        "https://doi.org/",
        "https://example.org/10.5281/zenodo.7",
    ],
)
def test_what_only_looks_like_one_is_a_claim(ident):
    assert not identifiers.is_global(ident)
