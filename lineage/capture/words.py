# SPDX-License-Identifier: Apache-2.0
"""Hides secrets in the words of a command, where what a name in one word says of the next counts too, and in code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage.access.secret_patterns import SCRUBBED, scrub, scrub_value
from lineage.paths import is_there

_ASSIGNED = re.compile(
    r"(?P<name>[+~]*-{0,2}[A-Za-z_][\w./@:-]{0,200})(?P<is>=)(?P<value>.*)", re.DOTALL
)
_OPTION = re.compile(r"--?[A-Za-z_][\w.-]{0,200}")
#: An option and its value in the text of one word, such as what ``sh -c`` is given.
_INSIDE = re.compile(
    r"(?P<name>(?<![\w-])--?[A-Za-z][\w.-]{0,200})(?P<is>[ \t]+)(?P<value>\"[^\"]*\"|'[^']*'|[^\s\"'-][^\s\"']*)"
)
_ASSIGNED_INSIDE = re.compile(
    r"(?P<name>(?<![\w.-])-{0,2}[A-Za-z_][\w.-]{0,200})(?P<is>=)(?P<value>\"[^\"]*\"|'[^']*'|[^\s\"';|&]+)"
)
#: A token by such a name is one that opens something; models have tokens too, which are none.
_OPENS = re.compile(
    r"(?:^|[._/-])(?:(?:auth|access|api|bearer|refresh|id|hf|hub|huggingface|github|gh|gitlab|wandb|mlflow"
    r"|session|bot|slack|user|login|personal|private|registry|pypi|npm|git|job|deploy|ci)[_-])?token$",
    re.IGNORECASE,
)
_OTHER_NAMES = re.compile(r"(?:^|[._/-])(?:pass|apikey|authorization|auth)$", re.IGNORECASE)
#: A variable whose name has one of these words in it holds a secret, whatever else it is called.
_SECRET_VARIABLE = re.compile(
    r"(?:^|_)(?:TOKENS?|SECRETS?|PASS|PASSWORD|PASSWD|PASSPHRASE|PWD|KEY|APIKEY|CREDENTIALS?|CREDS|AUTH"
    r"|AUTHORIZATION|COOKIE|SIGNATURE|JWT|PAT)(?:_|\d|$)",
    re.IGNORECASE,
)
_FOLDERS = frozenset({"PWD", "OLDPWD"})
_HEADER = re.compile(
    r"(?P<kept>(?:proxy-)?authorization|cookie|(?:x-)?[\w-]{0,60}(?:token|secret|api-?key|auth-?key))"
    r"(?P<is>\s*:\s*)(?P<value>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
#: What curl and others take a user and a password behind.
_LOGIN_OPTIONS = frozenset({"-u", "--user", "--proxy-user", "-U", "--login", "--basic-auth"})
_LOGIN = re.compile(r"(?P<kept>[^\s:/]+:)(?!\d+$)(?P<value>\S+)", re.DOTALL)
#: Assignments in the values of assignments.
_DEEPEST = 5
#: A secret that is shorter is not looked for elsewhere: it may be any word.
_SHORTEST = 8


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a command without its secrets, and the places of those in which any was hidden."""

    words: list[str]
    hidden: list[int]


def is_secret_variable(name: str) -> bool:
    """Whether a variable holds a secret for its name.

    >>> is_secret_variable("HF_TOKEN"), is_secret_variable("TOKENIZERS_PARALLELISM"), is_secret_variable("PWD")
    (True, False, False)
    """
    return name not in _FOLDERS and _SECRET_VARIABLE.search(name) is not None


def without_secrets(words: Sequence[str], secrets: Iterable[str] = ()) -> Words:
    """The words of a command without secrets: by what they look like, by the name before them, and those
    ``secrets`` that are known from elsewhere.

    >>> without_secrets(["x", "--token", "abc", "--lr=1", "db.password=x"]).words
    ['x', '--token', '[scrubbed]', '--lr=1', 'db.password=[scrubbed]']
    """
    known = [x for x in set(secrets) if len(x) >= _SHORTEST]
    shown, hidden = [], []
    before = ""
    for place, word in enumerate(words):
        clean = _behind(before, word) or _word(word)
        for secret in known:
            clean = clean.replace(secret, SCRUBBED)
        shown.append(clean)
        if clean != word:
            hidden.append(place)
        before = word
    return Words(shown, hidden)


def code_without_secrets(text: str, secrets: Iterable[str] = ()) -> str:
    """Source code without secrets: by what they look like, by the names that they are assigned to, and those
    ``secrets`` that are known from elsewhere.

    >>> code_without_secrets("password = 'hunter2'; rate = 0.1")
    '[scrubbed]; rate = 0.1'
    """
    from lineage.access.secret_files import secrets_in_file  # for notebooks alone

    known = [x for x in set(secrets) if len(x) >= _SHORTEST]
    for secret in (*secrets_in_file("cell.py", text.encode(errors="replace")), *known):
        text = re.sub(re.escape(secret), SCRUBBED, text, flags=re.IGNORECASE)
    return scrub(text)


def secrets_of(variables: Mapping[str, str]) -> Iterator[str]:
    """The values of the variables that hold a secret for their names, but for files that hold one."""
    for name, value in variables.items():
        if is_secret_variable(name) and not (value.startswith("/") and is_there(Path(value))):
            yield value


def _behind(before: str, word: str) -> str | None:
    """A word as it is behind an option that names it; ``None`` where that says nothing of it."""
    if before in _LOGIN_OPTIONS and (found := _LOGIN.fullmatch(word)):
        return f"{found['kept']}{SCRUBBED}"
    if not _OPTION.fullmatch(before) or _OPTION.fullmatch(word):
        return None
    clean = _value(before, word)
    return clean if clean == SCRUBBED else None


def _word(word: str, depth: int = 0) -> str:
    """A word by itself."""
    found = _ASSIGNED.fullmatch(word) if depth < _DEEPEST else None
    if found:
        clean = _value(found["name"], found["value"])
        # What is assigned may be an assignment: --env=NAME=VALUE.
        inner = clean if clean == SCRUBBED else _word(clean, depth + 1)
        return scrub(f"{found['name']}={inner}")
    if found := _HEADER.fullmatch(word):
        return f"{found['kept']}{found['is']}{SCRUBBED}"
    word = _json(word)
    if re.search(r"\s", word):
        for pattern in (_INSIDE, _ASSIGNED_INSIDE):
            word = pattern.sub(_replaced, word)
    return scrub(word)


def _replaced(found: re.Match[str]) -> str:
    value = found["value"]
    quote = value[0] if value[:1] in {'"', "'"} else ""
    clean = _value(found["name"], value.strip(quote) if quote else value)
    return (
        found[0] if clean != SCRUBBED else f"{found['name']}{found['is']}{quote}{SCRUBBED}{quote}"
    )


def _value(name: str, value: str) -> str:
    """A value without secrets; nothing of it where its name is that of one."""
    name = name.lstrip("-+~")
    if value and (_OPENS.search(name) or _OTHER_NAMES.search(name)) and value[0] not in "<[{$":
        return SCRUBBED
    return scrub_value(name, value)


def _json(word: str) -> str:
    """A word that is an object of JSON, its values by their names."""
    if not word.lstrip().startswith("{"):
        return word
    try:
        said = json.loads(word)
    except (ValueError, RecursionError):
        return word
    for secret in sorted(_secrets_in(said), key=len, reverse=True):
        shown = json.dumps(secret)[1:-1]
        word = word.replace(f'"{secret}"', f'"{SCRUBBED}"').replace(f'"{shown}"', f'"{SCRUBBED}"')
    return word


def _secrets_in(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _secrets_in(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _secrets_in(inner, name)
    elif isinstance(value, str) and name and value != SCRUBBED and _value(name, value) == SCRUBBED:
        yield value
