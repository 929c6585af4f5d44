# SPDX-License-Identifier: Apache-2.0
"""How a program was told what to do is kept as it was given, without any secret in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from lineage.access import secret_patterns
from lineage.capture.found import Budget
from lineage.capture.probes import config, machine, who
from tests.capture.planted import planted

KEY = bytes(range(32))
SECRETS = list(planted())


def seen(*argv, key=KEY, **environ):
    return config.probe(argv, environ, key)


def test_every_form_of_secret_is_tried():
    hidden = {x.name for x in secret_patterns.FORMS if x.instead is not None and x.reported}
    assert hidden | {"lineage-token"} == {form for form, _, _ in SECRETS}


@pytest.mark.parametrize(("form", "text", "core"), SECRETS)
def test_a_secret_of_any_form_is_in_no_facts_wherever_it_stood(form, text, core, tmp_path):
    words = ["run", text, f"--x={text}", "--x", text, f"say {text} twice", f"a.b={text}"]
    words += [json.dumps({"x": text}), f"https://h.example/a?x=1&note={text}"]
    # Variables that are shown, one that is not, and one whose name tells what it is.
    shown = (
        "PYTHONPATH",
        "CUDA_X",
        "MLFLOW_TRACKING_URI",
        "OMP_X",
        "SLURM_JOB_ID",
        "SLURM_JOB_NAME",
    )
    environ = dict.fromkeys([*shown, "OTHER", "GIT_AUTHOR_NAME", "LINEAGE_ACTOR"], text)
    environ |= {"MY_TOKEN": core, "GITHUB_ACTIONS": "true", "GITHUB_ACTOR": text, "LANG": "C"}
    (tmp_path / "run").mkdir()
    (tmp_path / "run/.containerenv").write_text(f'image="{text}"\n')
    found = [
        config.probe(words, environ, KEY),
        config.probe(words, environ, None),
        machine.probe(environ=environ, budget=Budget(10), root=tmp_path),
        who.probe(environ, None),
    ]
    said = json.dumps([[x.facts, x.unseen] for x in found])
    assert core not in said
    assert text not in said
    assert {"PYTHONPATH", "LANG"} <= found[0].facts["environment"].keys()


NAMED = "correcthorse"


@pytest.mark.parametrize(
    "words",
    [
        ["--token", NAMED],
        ["--token=" + NAMED],
        ["--hf-token", NAMED],
        ["--hub_token=" + NAMED],
        ["--password", NAMED],
        ["--password=" + NAMED],
        ["-password=" + NAMED],
        ["--db.password=" + NAMED],
        ["db.password=" + NAMED],
        ["+trainer.logger.api_key=" + NAMED],
        ["--api-key", NAMED],
        ["--pass", NAMED],
        ["DB_PASSWORD=" + NAMED],
        ["--env=DB_PASSWORD=" + NAMED],
        ["-e", "API_KEY=" + NAMED],
        ["-u", "ana:" + NAMED],
        ["--user", "ana:" + NAMED],
        ["-H", "Authorization: token " + NAMED],
        ["-H", "X-Api-Key: " + NAMED],
        ["-c", f"train --password {NAMED} --lr 1"],
        ["-c", f"train --password '{NAMED}'"],
        ["-c", f"export DB_PASSWORD={NAMED}; train"],
        ['{"db": {"password": "' + NAMED + '"}, "lr": 1}'],
        [f"postgresql://ana:{NAMED}@db/x"],
        [f"https://{NAMED}@git.example/r.git"],
    ],
)
def test_a_word_that_is_a_secret_by_what_names_it_is_hidden(words):
    found = seen("prog", *words)
    assert NAMED not in json.dumps(found.facts)
    assert found.facts["hidden"] == [len(words)]
    assert len(found.facts["argv"]) == len(words) + 1


@pytest.mark.parametrize(
    "words",
    [
        ["python", "-u", "train.py", "--tokens", "512", "--max-tokens=100000"],
        ["x", "--tokenizer", "bert-base-uncased", "--pad-token", "<pad>", "--eos_token=</s>"],
        [
            "docker",
            "run",
            "-u",
            "1000:1000",
            "image:latest",
            "--key-column",
            "id",
            "--sort-key=time",
        ],
        ["x", "--out", "s3://bucket/a", "git@host:o/r", "--commit=" + "0123456789abcdef" * 4],
        ["x", "--password", "--verbose", "secretary-problem", '{"lr": 1, "tokens": 5}'],
        ["awk", "{print $2}", "a b", "", "x\ny", "{x}", "--", "ä"],
    ],
)
def test_what_is_no_secret_stays_as_it_is(words):
    found = seen(*words)
    assert found.facts["argv"] == words
    assert found.facts["hidden"] == []


def test_the_value_of_a_secret_variable_is_found_wherever_else_it_stands():
    environ = {"DB_PASSWORD": "correct-horse", "PYTHONPATH": "/x:correct-horse", "GIT_KEY": "a"}
    found = seen("mysql", "-pcorrect-horse", "a", **environ)
    assert found.facts["argv"] == ["mysql", "-p[scrubbed]", "a"]
    assert found.facts["environment"] == {"PYTHONPATH": "/x:[scrubbed]"}
    assert found.facts["others"] == {"DB_PASSWORD": None, "GIT_KEY": None}


@pytest.mark.parametrize("piece", ["a=", "--a ", '{"a":', "--a '", "token "])
def test_a_word_as_long_as_a_system_allows_is_read_like_any_other(piece):
    word = piece * (128 * 1024 // len(piece))
    assert seen("x", word).facts["argv"] == ["x", word]
    assert "correct-horse" not in json.dumps(seen("x", f"{word} DB_PASSWORD=correct-horse").facts)


def test_the_words_of_a_command_come_back_as_they_were_whatever_bytes_they_have():
    """Case 85."""
    script = (
        "import json, os, sys; from lineage.capture.probes.config import probe;"
        "print(json.dumps(probe(sys.argv, os.environ, None).facts))"
    )
    given = [b"a b", b"x\ny", b"{x}", b"", b"\xff\xfe.csv", b"awk '{print $2}'", "ä".encode()]
    environ = {**os.environb, b"LANG": b"\xff", b"PYTHONUTF8": b"1"}
    said = subprocess.check_output(
        [os.fsencode(sys.executable), b"-c", script, *given], env=environ
    )
    facts = json.loads(said)
    assert [os.fsencode(x) for x in facts["argv"][1:]] == given
    assert os.fsencode(facts["environment"]["LANG"]) == b"\xff"


def test_variables_on_the_list_are_shown_and_all_others_only_known_again():
    environ = {"LANG": "C.UTF-8", "CUDA_VISIBLE_DEVICES": "2", "HF_HOME": "/cache", "HOME": "/root"}
    environ |= {"HF_TOKEN": "x", "TF_VAR_name": "x", "PYTHON_KEY": "x", "TF_CPP_MIN_LOG_LEVEL": "3"}
    found = seen("x", **environ)
    assert found.facts["environment"] == {
        "LANG": "C.UTF-8",
        "CUDA_VISIBLE_DEVICES": "2",
        "HF_HOME": "/cache",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    others = found.facts["others"]
    assert others.keys() == {"HOME", "HF_TOKEN", "TF_VAR_name", "PYTHON_KEY"}
    assert (others["HF_TOKEN"], others["PYTHON_KEY"]) == (None, None)
    assert others["HOME"] == seen("y", HOME="/root").facts["others"]["HOME"]
    assert others["HOME"] != seen("x", HOME="/home").facts["others"]["HOME"]
    assert others["HOME"] != seen("x", OTHER="/root").facts["others"]["OTHER"]
    assert others["HOME"] != seen("x", HOME="/root", key=KEY[::-1]).facts["others"]["HOME"]
    assert not found.unseen
    without = seen("x", **environ, key=None)
    assert set(without.facts["others"].values()) == {None}
    assert without.unseen


@pytest.mark.parametrize(
    ("line", "parameters"),
    [
        ("python train.py --lr 0.1 --n=3", {"lr": "0.1", "n": "3"}),
        ("python -u -X dev -W ignore=x train.py --lr=1e-3 data.csv", {"lr": "1e-3"}),
        ("python -m mod.train --dropout -0.5", {"dropout": "-0.5"}),
        (
            "train model.depth=3 +data.name=a/b ++x=1",
            {"model.depth": "3", "data.name": "a/b", "x": "1"},
        ),
        ("train --name= --text=a=b", {"name": "", "text": "a=b"}),
        ("env A=1 B=2 train --seed 7", {"seed": "7"}),
        ("train -j 4 -lr=0.1", {"j": "4", "lr": "0.1"}),
        # What may be a flag and an argument, a list, or two values of one name is left out.
        ("train --verbose data.csv --model resnet --lr 1", {"lr": "1"}),
        ("train --layers 64 128 --lr 1", {"lr": "1"}),
        ("train --lr=1 --lr=2 --seed=1", {"seed": "1"}),
        ("train --lr 1 -- --seed 2 a=b", {"lr": "1"}),
        ("sh -c train --lr=1", {}),
        ("python -c pass --lr=1", {"lr": "1"}),
        ("train https://x.example/a?b=c ./a=b", {}),
        ("train --password=hunter2 --seed=1", {"seed": "1"}),
        ("python", {}),
        ("", {}),
    ],
)
def test_parameters_are_read_where_the_line_can_mean_nothing_else(line, parameters):
    assert seen(*line.split()).facts["parameters"] == parameters


def test_what_is_ambiguous_is_told_apart_with_the_flags():
    facts = seen("train", "--model", "resnet", "--fast", "--lr=1", "--lr=2").facts
    assert facts["ambiguous"] == [["lr", "1"], ["lr", "2"], ["model", "resnet"]]
    assert facts["flags"] == ["fast"]
