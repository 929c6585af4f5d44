# SPDX-License-Identifier: Apache-2.0
"""What was planned is laid beside what happened, and criteria are judged by tests that can decide."""

from __future__ import annotations

import random

import pytest
import scipy.stats

from lineage.errors import Usage
from lineage.model import kinds
from lineage.model.identity import content
from lineage.model.record import Batch, Edge
from lineage.sources.decision_records.criteria import criteria_of
from tests.decisions.conftest import record


def run(name, decision, seed, lr="0.1", data=None, **metrics):
    """A run that names its decision, with what it used."""
    ident = f"urn:lineage:run:t:t/{name}"
    more = {"decision": decision, "param.seed": str(seed), "param.lr": lr}
    more |= {f"metric.{key}": value for key, value in metrics.items()}
    node = kinds.Run(
        id=ident, label=name, status="finished", started="2027-01-01T00:00:00Z", more=more
    ).node()
    used = [Edge(relation="used", effect=ident, cause=x) for x in data or ()]
    return [node], used


def dataset(name, digest):
    ident = f"urn:lineage:version:lab/{name}@md5:{digest}"
    node = kinds.DatasetVersion(
        id=ident, label=f"{name}@{digest[:4]}", name=name, digest=f"md5:{digest}"
    ).node()
    nodes, edges = content(ident, "md5", digest)
    return ident, [node, *nodes], [*edges]


def written(store, *parts):
    nodes = [node for some, _ in parts for node in some]
    edges = [edge for _, some in parts for edge in some]
    store.ingest(Batch(nodes=tuple(nodes), edges=tuple(edges)))


def test_each_planted_deviation_is_found_and_no_other(address, lineage_at, folder):
    """Thirty decisions with two hundred runs; by chance some of the runs differ from their plan in one thing or two."""
    store = lineage_at(address)
    chance = random.Random(7)
    good, good_nodes, good_edges = dataset("web", "a1" * 16)
    copy, copy_nodes, copy_edges = dataset("copy/web", "a1" * 16)
    other, other_nodes, other_edges = dataset("other", "b2" * 16)
    parts = [(good_nodes, good_edges), (copy_nodes, copy_edges), (other_nodes, other_edges)]
    files, planted = {}, set()
    for number in range(30):
        plan = {"inputs": [good], "config": {"lr": 0.1}, "seeds": [1, 2, 3]}
        why = {"config.lr": "the machine was full"} if number == 4 else {}
        files[f"decisions/{number:04}-d.md"] = record(
            f"D{number}", id=f"dec-{number}", status="accepted", plan=plan, deviations=why
        )
    for number in range(200):
        key = f"dec-{number % 30}"
        name = f"r{number}"
        said = {"lr": "0.10", "seed": number // 30 % 3 + 1, "data": [chance.choice([good, copy])]}
        if chance.random() < 0.2:
            said["lr"] = "0.2"
            planted.add((key, name, "config.lr", "0.1", "0.2"))
        if chance.random() < 0.1:
            said["seed"] = 9
            planted.add((key, name, "seeds", "1, 2, 3", "9"))
        if chance.random() < 0.1:
            said["data"] = [other]
            planted.add((key, name, "inputs", good, None))
            planted.add((key, name, "inputs", None, "other@b2b2"))
        parts.append(run(name, key, **said))
    written(store, *parts)
    store.load(folder(files))
    found, explained = set(), set()
    # A server is asked about some of them: each question is a dozen round trips.
    asked = range(0, 30, 6) if "neo4j" in address or "bolt" in address else range(30)
    planted = {one for one in planted if int(one[0].removeprefix("dec-")) in asked}
    for number in asked:
        shown = store.decision(f"dec-{number}")
        done = {
            (
                f"dec-{number}",
                {r.id: r.label for r in shown.runs}.get(one.run),
                one.key,
                one.planned,
                one.happened,
            )
            for one in shown.deviations
        }
        explained |= {one.reason for one in shown.deviations if one.key == "config.lr"}
        # A seed that no run had is a deviation of all of them: whether it is follows from the planted ones.
        found |= {one for one in done if one[1] is not None}
    assert found == planted
    assert explained <= {None, "the machine was full"}


def measured(store, folder, criterion, mine, base=(), key="dec-new"):
    """The verdicts on criteria over runs with these values, seed by seed, against a baseline."""
    files = {
        "decisions/0001-base.md": record("Base", id="dec-base", status="accepted"),
        "decisions/0002-new.md": record("New", id=key, status="accepted", criteria=criterion),
    }
    parts = [run(f"n{s}", key, s, f1=value) for s, value in enumerate(mine)]
    parts += [run(f"b{s}", "dec-base", s, f1=value) for s, value in enumerate(base)]
    written(store, *parts)
    store.load(folder(files))
    return store.decision(key).criteria


def sample(seed, mean, number):
    chance = random.Random(seed)
    return [chance.gauss(mean, 0.02) for _ in range(number)]


CRITERION = {"metric": "f1", "op": ">=", "value": 0.01, "baseline": ["decision:dec-base"]}


@pytest.mark.parametrize("shift", [0.0, 0.03, 0.08])
@pytest.mark.parametrize("test", ["paired-t", "t", "wilcoxon", "permutation", "bootstrap"])
def test_a_verdict_is_that_of_scipy(test, shift, lineage_at, folder):
    base = sample(1, 0.7, 12)
    mine = [a + b for a, b in zip(base, sample(2, shift, 12), strict=True)]
    paired = test != "t"
    said = {**CRITERION, "min_runs": 6, "test": f"paired-{test}" if test == "permutation" else test}
    [one] = measured(lineage_at("memory:"), folder, [said], mine, base)
    gains = [a - b for a, b in zip(mine, base, strict=True)]
    if test == "t":
        p = scipy.stats.ttest_ind([x - 0.01 for x in mine], base, equal_var=False).pvalue
    elif test == "paired-t":
        p = scipy.stats.ttest_rel([x - 0.01 for x in mine], base).pvalue
    elif test == "wilcoxon":
        p = scipy.stats.wilcoxon([x - 0.01 for x in gains]).pvalue
    else:
        exact = scipy.stats.permutation_test(
            ([x - 0.01 for x in gains],),
            lambda x, axis: x.mean(axis=axis),
            permutation_type="samples",
            n_resamples=10**6,
        )
        p = exact.pvalue
    estimate = sum(gains) / 12
    expected = "inconclusive" if p >= 0.05 else "supported" if estimate >= 0.01 else "refuted"
    assert one.p == pytest.approx(p, abs=1e-9)
    assert (one.verdict, one.n, one.paired) == (expected, 12, paired)
    assert one.estimate == pytest.approx(estimate)
    assert one.interval[0] < one.estimate < one.interval[1]
    assert one.software == f"scipy {scipy.__version__}"


def test_a_baseline_is_an_edge_that_walks_do_not_follow(lineage_at, folder):
    store = lineage_at("memory:")
    baseline = ["decision:dec-base", "run:b0"]
    measured(store, folder, [{**CRITERION, "baseline": baseline}], [0.8], [0.7])
    version = store.decision("dec-new").versions[-1].id
    edges = store.trace(version, via=["hadBaseline"], depth=1).edges
    base = store.decision("dec-base").decision.id
    assert {(e.effect, e.cause) for e in edges} == {
        (version, base),
        (version, "urn:lineage:run:t:t/b0"),
    }
    assert not {base, "urn:lineage:run:t:t/b0"} & {node.id for node in store.trace(version)}


def test_a_run_may_be_both_what_a_decision_rests_on_and_its_baseline(lineage_at, folder):
    store = lineage_at("memory:")
    criteria = [{**CRITERION, "baseline": ["run:b0"]}]
    links = {"runs": ["run:b0"]}
    written(store, run("b0", "dec-none", 0, f1=0.7))
    new = record("New", id="dec-new", links=links, criteria=criteria)
    for number in range(3):
        other = {f"decisions/001{number}-other.md": record(f"Other {number}")}
        store.load(folder({"decisions/0002-new.md": new, **other}))
        version = store.decision("dec-new").versions[-1].id
        edges = store.trace(version, via=["hadBaseline", "wasInfluencedBy"], depth=1).edges
        relations = sorted(e.relation for e in edges if e.cause == "urn:lineage:run:t:t/b0")
        assert relations == ["hadBaseline", "wasInfluencedBy"]


@pytest.mark.parametrize("named", ["dec-new", "decision:dec-new", "decision:0002", "Decision:2"])
def test_a_run_names_its_decision_as_a_person_does(named, lineage_at, folder):
    store = lineage_at("memory:")
    written(store, run("n0", named, 0, f1=0.8))
    store.load(folder({"decisions/0002-new.md": record("New", id="dec-new", status="accepted")}))
    assert [one.label for one in store.decision("decision:2").runs] == ["n0"]


def test_three_pairs_support_nothing_by_a_bootstrap(lineage_at, folder):
    said = {**CRITERION, "min_runs": 3, "test": "paired bootstrap, 95%"}
    [one] = measured(lineage_at("memory:"), folder, [said], [0.8, 0.81, 0.82], [0.7, 0.7, 0.7])
    assert (one.holds, one.n, one.p) == ("inconclusive", 3, None)
    assert "3 runs cannot reach 95 % with this test: it takes at least 6 pairs" in one.why


def test_one_run_against_five_has_no_spread_and_says_which_seeds_to_run(lineage_at, folder):
    said = {**CRITERION, "min_runs": 3, "test": "paired-t"}
    [one] = measured(lineage_at("memory:"), folder, [said], [0.8], [0.7, 0.7, 0.71, 0.7, 0.7])
    assert (one.holds, one.n, one.spread) == ("inconclusive", 1, None)
    assert "run the seeds 1, 2, 3, 4 to pair them" in one.why


def test_five_criteria_together_are_corrected_and_both_are_shown(lineage_at, folder):
    """The p-values of the report: 0.012, 0.03, 0.04, 0.2, 0.6."""
    from lineage.services.read.decisions.significance import holm

    assert [round(p, 4) for p in holm([0.012, 0.03, 0.04, 0.2, 0.6])] == [
        0.06,
        0.12,
        0.12,
        0.4,
        0.6,
    ]
    base = sample(1, 0.7, 8)
    mine = [a + b for a, b in zip(base, sample(5, 0.019, 8), strict=True)]
    said = [
        {**CRITERION, "value": v, "min_runs": 6, "test": "paired-t"}
        for v in (0.0, 0.01, 0.02, 0.015, 0.005)
    ]
    found = measured(lineage_at("memory:"), folder, said, mine, base)
    assert [one.adjusted_p for one in found] == pytest.approx(holm([one.p for one in found]))
    raw = [one for one in found if one.verdict != one.holds]
    for one in raw:
        assert one.holds == "inconclusive"
        assert "with 5 comparisons p is" in one.why


@pytest.mark.parametrize(
    ("metric", "why"),
    [("absent", "has the metric absent"), ("words", "of n0 is no number")],
)
def test_a_metric_that_is_not_there_or_no_number_decides_nothing(metric, why, lineage_at, folder):
    store = lineage_at("memory:")
    said = [{"metric": metric, "op": ">", "value": 1}]
    files = {"decisions/0002-new.md": record("New", id="dec-new", criteria=said)}
    written(store, run("n0", "dec-new", 1, words="good"))
    store.load(folder(files))
    [one] = store.decision("dec-new").criteria
    assert (one.holds, why in one.why) == ("inconclusive", True)


@pytest.mark.parametrize(
    ("op", "holds"), [("<", "refuted"), ("<=", "refuted"), (">", "supported"), ("==", "refuted")]
)
def test_each_operator_is_read_as_it_is_written(op, holds, lineage_at, folder):
    said = {"metric": "f1", "op": op, "value": 0.5, "test": "none"}
    [one] = measured(lineage_at("memory:"), folder, [said], [0.7])
    assert (one.holds, one.criterion) == (holds, f"f1 {op} 0.5")


def test_what_a_criterion_lacks_is_told_before_there_are_results(folder, command):
    said = [
        {"metric": "f1", "op": "=>", "value": 1},
        {"op": ">", "value": 1},
        {"metric": "f1", "op": ">", "value": 1, "test": "anova"},
        {"metric": "f1", "op": ">", "value": 1, "test": "t", "resamples": "items", "min_runs": 3},
        {"metric": "f1", "op": ">", "value": 1, "test": "t", "level": 95, "min_runs": 3},
    ]
    project = folder({"decisions/0001-x.md": record("X", criteria=said)})
    code, told = command(project, "decision", "check")
    assert code == 4
    messages = [f["message"] for f in told["findings"] if f["code"] == "decision-criterion"]
    assert [m.partition(":")[0] for m in messages] == [
        f"criteria[{n}] cannot be computed" for n in range(5)
    ]


def test_the_words_of_tests_are_understood():
    words = ["paired t-test", "Wilcoxon", "permutation", "paired permutation, 99 %", "none", "t"]
    found = criteria_of({"criteria": [{**CRITERION, "test": word} for word in words]})
    assert [(one.test, one.paired, one.level) for one in found] == [
        ("paired-t", True, 0.95),
        ("wilcoxon", True, 0.95),
        ("permutation", False, 0.95),
        ("permutation", True, 0.99),
        ("none", False, 0.95),
        ("t", False, 0.95),
    ]


def test_what_was_set_otherwise_than_in_the_baseline_is_laid_beside_it(lineage_at, folder):
    store = lineage_at("memory:")
    web, nodes, edges = dataset("web", "a1" * 16)
    copy, *copied = dataset("copy/web", "a1" * 16)
    new, *newer = dataset("new", "b2" * 16)
    runs = [run(f"b{n}", "dec-base", n, data=[web], f1=0.7) for n in range(2)]
    runs += [
        run(f"n{n}", "dec-new", n, lr=lr, data=[copy, new]) for n, lr in ((0, "0.2"), (1, 0.3))
    ]
    runs[2][0][0].attributes["param.depth"] = "4"
    written(store, (nodes, edges), copied, newer, *runs)
    base = record("Base", id="dec-base")
    said = record("New", id="dec-new", criteria=[{**CRITERION, "baseline": ["dec-base"]}])
    store.load(folder({"decisions/0001-b.md": base, "decisions/0002-n.md": said}))
    told = store.decision("dec-new").baseline
    assert [one.label for one in told.runs] == ["b0", "b1"]
    assert [one.shown for one in told.changes] == [
        "config.lr: 0.1 -> 0.2, 0.3",
        "inputs: web@a1a1 -> new@b2b2, web@a1a1",
        "config.depth: not recorded -> 4",
    ]
    assert store.decision("dec-base").baseline.runs == ()


def test_what_was_found_when_a_decision_was_evaluated_stays_and_depends_on_its_runs(
    address, lineage_at, folder
):
    store = lineage_at(address)
    web, nodes, edges = dataset("web", "a1" * 16)
    runs = [run(f"r{n}", "dec-x", n, data=[web], f1=0.8) for n in range(3)]
    written(store, (nodes, edges), *runs)
    plan = {"config": {"lr": 0.2}}
    criteria = [{"metric": "f1", "op": ">=", "value": 0.75, "test": "none", "min_runs": 3}]
    front = {"id": "dec-x", "status": "accepted", "plan": plan, "criteria": criteria}
    store.load(folder({"decisions/0001-x.md": record("X", **front)}))
    store.deliberate("dec-x", "evaluated")
    affected = {kind: [] for kind in ("Verdict", "Deviation")}
    for node in store.impact(web):
        affected.setdefault(node.kind, []).append(node)
    [verdict] = affected["Verdict"]
    assert (verdict.attributes["verdict"], verdict.attributes["n"]) == ("supported", 3)
    assert verdict.attributes["estimate"] == pytest.approx(0.8)
    assert store.ask("kind:verdict and verdict:supported").ids == (verdict.id,)
    assert [one.attributes["key"] for one in affected["Deviation"]] == ["config.lr"] * 3
    causes = {node.id for node in store.trace(affected["Deviation"][0].id)}
    version = store.decision("dec-x").versions[-1].id
    assert version in causes and len(causes & {one[0][0].id for one in runs}) >= 1
    assert not [x for x in store.decision("dec-x").notes if "evaluated" in x]
    written(store, run("late", "dec-x", 9, f1=0.1))
    store.load(folder({"decisions/0001-x.md": record("X", **front)}))
    store.load(folder({"decisions/0002-y.md": record("Y")}))
    told = store.decision("dec-x")
    assert told.criteria[0].holds == "refuted"
    assert any("evaluated it on" in text and "was supported" in text for text in told.notes)
    assert verdict.id in {node.id for node in store.impact(web)}


def test_a_run_that_did_what_was_planned_and_names_no_decision_is_told_and_may_be_tied(
    address, lineage_at, folder
):
    store = lineage_at(address)
    web, nodes, edges = dataset("web", "a1" * 16)
    copy, *copied = dataset("copy/web", "a1" * 16)
    other, *others = dataset("other", "b2" * 16)
    written(
        store,
        (nodes, edges),
        copied,
        others,
        run("as-planned", None, 1, data=[copy]),
        run("with-another-rate", None, 1, lr="0.2", data=[web]),
        run("on-other-data", None, 1, data=[other]),
        run("of-another", "dec-other", 1, data=[web]),
    )
    plan = {"inputs": [web], "config": {"lr": 0.1}}
    files = {
        "decisions/0001-x.md": record("X", id="dec-x", date="2026-01-01", plan=plan),
        "decisions/0002-o.md": record("O", id="dec-other"),
        "decisions/0003-short.md": record("Short", id="dec-short", plan={"inputs": [web]}),
    }
    store.load(folder(files))
    told = store.decision("dec-x")
    assert ([one.label for one in told.matching], told.runs) == (["as-planned"], ())
    [command] = [text for text in told.open if "names no decision" in text]
    assert f"decision link {told.matching[0].id} --to dec-x" in command
    assert store.decision("dec-short").matching == (), (
        "what it says does not tell a run from others"
    )
    store.link(told.matching[0].id, to="dec-x")
    tied = store.decision("dec-x")
    assert ([one.label for one in tied.runs], tied.matching) == (["as-planned"], ())
    with pytest.raises(Usage, match="followed the text"):
        store.link("dec-x", to=told.matching[0].id)
    store.untie(told.matching[0].id, "decision:dec-x", reason="it was another trial")
    assert store.decision("dec-x").runs == ()
    store.link("dec-x", to=told.matching[0].id)
    with pytest.raises(Usage, match="rests on as-planned"):
        store.link(told.matching[0].id, to="dec-x")
    store.untie("decision:dec-x", told.matching[0].id, reason="it was the other way round")
    store.link(told.matching[0].id, to="dec-x")
    store.load(folder({"decisions/0004-y.md": record("Y")}))
    assert [one.label for one in store.decision("dec-x").runs] == ["as-planned"]
