# SPDX-License-Identifier: Apache-2.0
"""Secrets are not written into the repository: files of credentials, and files with a key in them."""

from __future__ import annotations

import hashlib
import json
import random
import uuid
from base64 import b64encode

import pytest

from tests.capture.sources import captured, given_back, repository, withheld

#: Put together here, so that no scan of this repository finds them.
PLANTED = {
    "aws": "AKIA" + "IOSFODNN7EXAMPLE",
    "github": "gh" + "p_" + "Ab1" * 12,
    "hugging face": "hf" + "_" + "Zz9" * 12,
    "anthropic": "sk-" + "ant-" + "api03-" + "x7Y" * 10,
    "private key": f"-----{'BEGIN'} OPENSSH PRIVATE KEY-----\nb3Blb\n",
    "address": "post" + "gres://ana:" + "hunter2x9@db.example/x",
    "assigned": "PASS" + 'WORD = "hunter2x9"',
    "in a mapping": '{"api' + '_key": "Xy7-Kq2-Lm9"}',
}


def in_git(project) -> str:
    """All that is in the object store, however it got there."""
    return project.git("cat-file", "--batch-all-objects", "--batch", "--unordered")


def test_files_of_credentials_are_withheld_by_their_name(project):
    project.commit("begin", {"train.py": "1\n", "settings/.env": "A=1\n", "old.pem": "x\n"})
    project.write(
        {
            "settings/.env": "A=never-in-git\n",
            "id_ed25519": "never-in-git",
            "id_ed25519.pub": "public",
            "deploy/server.pem": "never-in-git",
            ".netrc": "never-in-git",
            ".env.example": "A=\n",
            "model.py": "1\n",
        }
    )
    facts = repository(captured(project.path / "train.py"))
    by_name = "it is a file of credentials, by its name"
    assert withheld(facts) == dict.fromkeys(
        [".netrc", "deploy/server.pem", "id_ed25519", "settings/.env"], by_name
    )
    assert facts["complete"] is False
    kept = {"train.py", "old.pem", "id_ed25519.pub", ".env.example", "model.py"}
    assert {*given_back(project.path, facts["kept"])} == kept
    assert "never-in-git" not in in_git(project)


@pytest.mark.parametrize("form", PLANTED)
def test_a_file_with_a_secret_in_it_is_withheld_and_its_text_is_nowhere(project, form):
    project.commit("begin", {"train.py": "1\n"})
    text = f"import os\n\n{PLANTED[form]}\n"
    project.write({"train.py": text, "new.ipynb": text, "clean.py": "2\n"})
    found = captured(project.path / "train.py")
    facts = repository(found)
    assert withheld(facts) == dict.fromkeys(["new.ipynb", "train.py"], "a secret is in it")
    assert {*given_back(project.path, facts["kept"])} == {"clean.py"}
    for text in (in_git(project), json.dumps([found.facts, found.unseen])):
        assert PLANTED[form].splitlines()[0] not in text


def test_two_states_of_a_withheld_file_are_told_apart_by_a_digest_under_a_key(project):
    project.commit("begin", {"train.py": "1\n"})
    marks = []
    for secret in ("A=first\n", "A=first\n", "A=other\n"):
        project.write({".env": secret})
        found = captured(project.path, key=b"k" * 32)
        marks.append(repository(found)["withheld"][0]["hmac"])
        assert hashlib.sha256(secret.encode()).hexdigest() not in str(found)
    assert marks[0] == marks[1] != marks[2]
    assert "hmac" not in repository(captured(project.path))["withheld"][0]


def test_a_secret_that_is_staged_is_not_kept_for_good(project):
    project.commit("begin", {"train.py": "1\n"})
    project.write({"key.py": PLANTED["github"]})
    project.git("add", "key.py")
    facts = repository(captured(project.path / "train.py"))
    assert withheld(facts) == {"key.py": "a secret is in it"}
    assert {*given_back(project.path, facts["kept"])} == {"train.py"}


def test_what_head_says_already_withholds_nothing(project):
    project.commit("begin", {"test_login.py": PLANTED["assigned"] + "\n"})
    project.write({"test_login.py": PLANTED["assigned"] + "\nedited = True\n"})
    facts = repository(captured(project.path))
    assert (facts["complete"], facts["withheld"]) == (True, [])
    project.write({"test_login.py": PLANTED["assigned"] + "\n" + PLANTED["aws"]})
    assert repository(captured(project.path))["complete"] is False


def test_checksums_of_lock_files_are_no_secrets_and_planted_tokens_are_found(project):
    made = random.Random(7)
    digests = [made.randbytes(64) for _ in range(2000)]
    names = [f"package-{x}" for x in range(2000)]
    integrity = {
        name: {"integrity": "sha512-" + b64encode(digest).decode(), "version": f"1.{x}.0"}
        for x, (name, digest) in enumerate(zip(names, digests, strict=True))
    }
    poetry = "".join(
        f'[[package]]\nname = "{name}"\nfiles = [{{file = "{name}.whl", hash = "sha256:'
        f'{hashlib.sha256(digest).hexdigest()}"}}]\nreference = "{digest[:20].hex()}"\n'
        for name, digest in zip(names, digests, strict=True)
    )
    ids = "\n".join(str(uuid.UUID(bytes=digest[:16])) for digest in digests)
    project.commit("begin", {"train.py": "1\n"})
    project.write(
        {
            "package-lock.json": json.dumps(integrity, indent=1),
            "poetry.lock": poetry,
            "runs.txt": ids,
            **{f"planted{x}.lock": f"{poetry}\n{y}\n" for x, y in enumerate(PLANTED.values())},
        }
    )
    facts = repository(captured(project.path / "train.py"))
    assert {*withheld(facts)} == {f"planted{x}.lock" for x in range(len(PLANTED))}


def test_code_that_passes_a_password_on_is_no_secret(project):
    project.commit("begin", {"a.py": "1\n"})
    code = [
        "connect(password=settings.password, token=os.environ['TOKEN'])",
        'parser.add_argument("--password", default=None)',
        'tokenizer(text, pad_token="<pad>", token=hub_token)',
        'url = "https://{user}:{password}@host/x"',
        'secret = "client_secret"',
    ]
    project.write({"a.py": "\n".join(code), "git+ssh.txt": "git+ssh://git@host.example/o/r\n"})
    assert repository(captured(project.path))["withheld"] == []
