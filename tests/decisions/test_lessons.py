# SPDX-License-Identifier: Apache-2.0
"""Lessons come back: what was learnt is offered where what it is about comes back, and nowhere else."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

import lineage
from lineage.errors import Usage
from lineage.model import kinds
from lineage.model.record import Edge
from tests.capture.conftest import workspace
from tests.capture.launched import LINEAGE
from tests.decisions.conftest import record
from tests.decisions.test_followed import dataset, written

__all__ = ["workspace"]


def run(name, data, lr="0.1", made=(), **more):
    """A run that read some data and made other."""
    ident = f"urn:lineage:run:t:t/{name}"
    held = {"param.lr": lr, "param.seed": "7", **more}
    node = kinds.Run(id=ident, label=name, status="finished", more=held).node()
    edges = [Edge(relation="used", effect=ident, cause=x) for x in data]
    edges += [Edge(relation="wasGeneratedBy", effect=x, cause=ident) for x in made]
    return [node], edges


class Project:
    """Data by name, each made by a run of other data."""

    def __init__(self):
        self.parts = []
        self.data = {}

    def make(self, name, *of, digest=None, **said):
        """New data, made by a run of its own unless it is of nothing."""
        number = len(self.data)
        ident, *part = dataset(name, digest or f"{number + 10:032x}")
        self.parts.append(tuple(part))
        self.data[name] = ident
        if of:
            self.parts.append(run(f"r-{name}", [self.data[x] for x in of], made=[ident], **said))
        return ident


def plans(*plan):
    """Records with these plans, by their files: dec-0, dec-1 and so on."""
    return {
        f"decisions/{number:04}-p.md": record(f"P{number}", id=f"dec-{number}", **said)
        for number, said in enumerate(plan)
    }


def test_a_lesson_of_run_5_is_offered_for_plans_on_what_became_of_its_data_and_for_no_other(
    address, lineage_at, folder
):
    """Twenty plans on data that was made from that of run 5, directly or not, and twenty on other data: of the same origin,
    by the same program, with the same parameters.
    """
    store, chance, project = lineage_at(address), random.Random(15), Project()
    project.make("d0")
    for number in range(1, 8):
        project.make(f"d{number}", f"d{number - 1}")
    related, others = ["d4"], ["d0"]
    # Each question is a dozen round trips to a server: it is asked about one of each.
    each = 1 if "neo4j" in address or "bolt" in address else 20
    for number in range(each):
        with_another = chance.sample(others, chance.randint(0, 1))
        project.make(f"child{number}", chance.choice(related), *with_another)
        related.append(f"child{number}")
        # Made from the same beginning, or from nothing that is known, and never from what run 5 read.
        origin = [chance.choice(others)] if chance.random() < 0.7 else []
        project.make(f"other{number}", *origin)
        others.append(f"other{number}")
    # What run 5 read was made from d0: plans on that resemble it as well, plans on its other children do not.
    others.remove("d0")
    written(store, *project.parts)
    store.lesson("run:r-d5", "lr above 0.1 diverges on this crawl", tag=["divergence"])
    config = {"lr": 0.1, "seed": 7}
    said = [{"plan": {"inputs": [project.data[x]], "config": config}} for x in related[1:] + others]
    store.load(folder(plans(*said)))
    for number in range(2 * each):
        found = store.lessons(f"dec-{number}")
        assert found.complete
        assert [one.of for one in found.lessons] == (["run:r-d5"] if number < each else []), number
        for one in found.lessons:
            assert one.why == (f"child{number} was made from d4", "lr is 0.1 as well")
            assert one.line.startswith(
                'lesson: "lr above 0.1 diverges on this crawl" (run:r-d5): child'
            )
    assert [one.of for one in store.lessons("run:r-d1").lessons] == ["run:r-d5"], "an ancestor"
    assert store.lessons("run:r-d5").lessons == (), "its own"


WEB = "c3" * 16


@pytest.mark.parametrize(
    ("said", "score", "why"),
    [
        ({"inputs": ["web"]}, 0.45, ["the same data set web"]),
        ({"inputs": ["copy"]}, 0.45, ["copy has the bytes of web"]),
        ({"inputs": ["newer"]}, 0.4, ["another version of web"]),
        ({"inputs": ["raw"]}, 0.35, ["web was made from raw"]),
        (
            {"inputs": ["web"], "config": {"lr": 0.12, "batch": 64, "seed": 1}},
            0.55,
            ["the same data set web", "lr 0.12 is near 0.1"],
        ),
        ({"inputs": ["other"], "config": {"lr": 0.1, "batch": 32}}, None, []),
        (
            {"tags": ["Divergence", "crawl", "x"]},
            0.35,
            ["the tags crawl, divergence"],
        ),
        ({"tags": ["crawl"]}, None, []),
        (
            {"tags": ["crawl"], "config": {"lr": 0.09, "batch": 30}},
            0.38,
            ["lr 0.09 is near 0.1", "batch 30 is near 32", "the tag crawl"],
        ),
        ({"inputs": ["nowhere"], "config": {"lr": 0.1}}, None, []),
        ({"inputs": ["programs"]}, None, []),
    ],
)
def test_how_far_a_plan_resembles_what_a_lesson_is_about(said, score, why, lineage_at, folder):
    store, project = lineage_at("memory:"), Project()
    project.make("raw")
    project.make("web", "raw", digest=WEB)
    project.make("copy", digest=WEB)
    project.make("other")
    project.make("programs/train.py")
    ident, *newer = dataset("web", "d4" * 16)
    read = [project.data["web"], project.data["programs/train.py"]]
    failed = run("failed", read, **{"param.batch": "32"})
    written(store, *project.parts, tuple(newer), failed)
    store.lesson("run:failed", "It diverges.", tag=["divergence", "crawl"])
    known = {**project.data, "newer": ident, "programs": project.data["programs/train.py"]}
    inputs = [known.get(name, name) for name in said.get("inputs", ())]
    plan = {"inputs": inputs, "config": said.get("config", {})}
    store.load(folder(plans({"plan": plan, "tags": said.get("tags", [])})))
    found = store.lessons("dec-0").lessons
    assert [(one.score, sorted(one.why)) for one in found] == (
        [(score, sorted(why))] if why else []
    )


def test_a_lesson_in_a_record_is_found_with_what_it_names_whenever_that_comes(
    lineage_at, new_repository
):
    store, repository = lineage_at("memory:"), new_repository()
    told = {"text": "The labels  leak.", "about": ["run:late"], "tags": ["labels"]}
    plan = {"inputs": ["dataset:plan"]}
    repository.commit("One", {"decisions/0001-a.md": record("A", id="dec-a", lessons=[told])})
    more = [told, {"text": "Two seeds are too few."}]
    said = record("A", id="dec-a", lessons=more, plan=plan)
    author = {"GIT_AUTHOR_NAME": "Bo", "GIT_AUTHOR_EMAIL": "bo@example.org"}
    repository.commit("Two", {"decisions/0001-a.md": said}, **author)
    project = Project()
    web = project.make("web")
    reports = store.load(repository.path)
    told_of = [loss for one in reports for loss in one.losses if "lessons" in loss.what]
    assert [loss.number for loss in told_of] == [2]
    assert "Two seeds are too few.: dataset:plan" in told_of[0].reason
    written(store, *project.parts, run("late", [web]), run("again", [web]))
    assert store.lessons("run:again").lessons == ()
    store.load(repository.path, joined=False)
    store.deliberate("dec-a", "accepted")
    [offer] = store.lessons("run:again").lessons
    assert (offer.of, offer.text, offer.why[0]) == (
        "dec-a",
        "The labels leak.",
        "the same data set web",
    )
    assert [node.title for node in store.impact("run:late") if node.kind == "Lesson"] == [
        "The labels leak."
    ]
    # Told by somebody as well, it is the same lesson.
    assert store.lesson("dec-a", "The labels leak.").id == offer.id
    shown = store.decision("dec-a")
    assert [(one.text, {*one.by}) for one in shown.learnt] == [
        ("The labels leak.", {"Ana Lima", "tester"}),
        ("Two seeds are too few.", {"Bo"}),
    ]
    assert store.verify().state == "intact"
    repository.commit("Three", {"decisions/0001-a.md": record("A", id="dec-a")})
    store.load(repository.path)
    assert [one.by for one in store.decision("dec-a").learnt] == [("tester",)]


def test_what_is_told_of_a_decision_is_about_the_data_of_its_plan(lineage_at, folder):
    store, project = lineage_at("memory:"), Project()
    web = project.make("web")
    written(store, *project.parts)
    plan = {"inputs": [web], "config": {"lr": "0.1"}}
    store.load(folder(plans({"plan": plan, "tags": ["crawl"]}, {"plan": plan}, {})))
    store.lesson("decision:dec-0", "It is too small.")
    [offer] = store.decision("dec-1").lessons.lessons
    assert (offer.of, offer.why) == ("dec-0", ("the same data set web", "lr is 0.1 as well"))
    assert store.decision("dec-0").lessons.lessons == ()
    assert store.decision("dec-2").lessons.lessons == ()
    for reference, text in (("dec-0", " "), ("dec-0", "x" * 2_001), (web, "It is no decision.")):
        with pytest.raises(Usage):
            store.lesson(reference, text)


def test_a_new_record_has_the_lessons_as_comments_and_a_check_tells_them_as_notes(
    tmp_path, folder, command, monkeypatch
):
    project = Project()
    web = project.make("web")
    monkeypatch.setenv("LINEAGE_STORE", str(tmp_path / "store.db"))
    with lineage.open(tmp_path / "store.db") as store:
        written(store, *project.parts, run("first", [web]), run("second", [web], lr="0.08"))
    place = folder({"README.md": ""})
    monkeypatch.undo()
    at = ["--store", str(tmp_path / "store.db")]
    for number in range(5):
        words = ["decision", "lesson", "run:first", f"Lesson {number}\nof \x1b[1mit.", "--tag", "a"]
        assert command(place, *at, *words, text=True)[0] == 0
    code, said = command(place, *at, "decision", "new", "Again", text=True)
    line, path = said.splitlines()
    assert (code, path) == (0, "decisions/0001-again.md")
    assert 'it." (run:first): the same data set web, lr 0.08 is near 0.1 (and 4 more)' in line
    text = (place / "decisions/0001-again.md").read_text()
    comments = [x for x in text.splitlines() if x.startswith(("# lesson: ", "# ... and "))]
    assert (len(comments), "\x1b" in said + text) == (4, False)
    assert comments[3] == "# ... and 2 more lessons"
    code, told = command(place, *at, "decision", "check")
    notes = [x for x in told["findings"] if x["code"] == "decision-lesson"]
    assert (code, [x["severity"] for x in notes]) == (0, ["note"] * 3)
    assert "There are 2 more" in notes[0]["hint"]
    assert not [
        x
        for x in command(place, "decision", "check")[1]["findings"]
        if x["code"] == "decision-lesson"
    ]


def test_a_run_that_is_recorded_is_told_of_one_lesson_and_another_of_none(workspace):
    (workspace / "web.csv").write_text("a,b\n" * 100)
    (workspace / "other.csv").write_text("c,d\n" * 100)

    def launched(name, data, program="pass", until=0):
        """What is said on stderr; the program ends when this many lines were said."""
        words = [sys.executable, "-c", program]
        command = [*LINEAGE, "run", "--name", name, "--in", data, "--", *words]
        pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        with subprocess.Popen(command, **pipes) as started:
            said = [started.stderr.readline() for _ in range(until)]
            said.append(started.communicate("\n", timeout=60)[1])
        assert started.returncode == 0
        return "".join(said)

    assert launched("first", "web.csv") == ""
    with lineage.open(workspace / ".lineage/store.db") as store:
        [ident] = [node.id for node in store.ask("kind:run").nodes if node.kind == "Run"]
        store.lesson(ident, "It diverges.")
    slow = "import sys; sys.stdin.readline(); print('end', file=sys.stderr)"
    # While it goes on, and once.
    told = f'lineage: lesson: "It diverges." (run:{ident.rpartition("/")[2]}): the same file {workspace}/web.csv\n'
    assert launched("second", "web.csv", slow, until=1) == f"{told}end\n"
    assert launched("third", "other.csv") == ""
