# SPDX-License-Identifier: Apache-2.0
"""Finds secrets and traces of people in text: one table, for imports and for exports.

Importers hide what it finds (``scrub``), and what leaves is checked by it (``secrets_in``): nothing
that was hidden is found again. Forms of tokens by their issuers' prefixes, not entropy: digests,
commit hashes and run ids look as random as keys do, and a scan that cries at each of them is not
read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

#: What stands where a secret was.
SCRUBBED = "[scrubbed]"


class Form(NamedTuple):
    """One form of secret: a stable name, and the pattern that finds it.

    ``signs`` are texts in lower case of which every match holds one: most texts hold none of any
    form, and that is quick to see; without signs, a match takes a word of 40 characters. What the group ``kept`` of the pattern matches is left where the
    rest is hidden, with ``instead`` behind it; ``None`` hides nothing. Only forms that are
    ``reported`` are findings.
    """

    name: str
    pattern: re.Pattern[str]
    signs: tuple[str, ...]
    instead: str | None = SCRUBBED
    reported: bool = True

    def hide(self, text: str) -> str:
        """Return the text without the secrets of this form."""
        if self.instead is None:
            return text
        return self.pattern.sub(self._left, text)

    def _left(self, found: re.Match[str]) -> str:
        kept = found["kept"] if "kept" in self.pattern.groupindex else ""
        return f"{kept}{self.instead}"


def _form(name: str, pattern: str, *signs: str, flags: int = 0) -> Form:
    return Form(name, re.compile(pattern, flags), signs)


#: Names of parameters and variables that a secret is given under; ``token`` has rules of its own.
NAMES = (
    r"password|passwd|passphrase|secret|credentials?|api[_-]?key|access[_-]?key|private[_-]?key"
    r"|(?:secret|account|storage|shared|master|signing|encryption|subscription|deploy|ssh)[_-]?key"
)
#: Between a name and its value: behind a colon a value without a digit is a sentence, not a secret.
_IS = r"(?:=['\"]?|['\"]?\s?:\s?['\"]?(?=[^\s\d'\"]{0,40}\d))"
_SCHEME = r"(?P<kept>\b[a-z][a-z0-9+.-]{0,20}://)"

#: The table. Repetitions are bounded: the text was written by anybody.
FORMS = (
    _form(
        "private-key",
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY"
        r"(?:(?:(?!-----BEGIN).)*?-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----"
        r"|(?:-----)?[A-Za-z0-9+/=\\\r\n]*)",
        "private key",
        flags=re.DOTALL,
    ),
    _form("age-key", r"\bAGE-SECRET-KEY-1[0-9A-Z]{50,70}\b", "age-secret-key"),
    _form(
        "url-login", _SCHEME + r"[^/\s@:]{0,200}:[^/\s@]{1,500}@", "://", flags=re.IGNORECASE
    )._replace(instead=""),
    # A user without a password says no secret, but who it was. On Azure's stores it is a container.
    _form(
        "url-user",
        r"(?!\b(?:abfss?|wasbs?)://)" + _SCHEME + r"[^/\s@]{1,500}@",
        "://",
        flags=re.IGNORECASE,
    )._replace(instead="", reported=False),
    _form(
        "signed-url",
        r"(?P<kept>[?&;](?:[\w-]{0,40}[_-])?(?:signature|sig|credential|token|secret|password"
        r"|api[_-]?key|access[_-]?key)=)(?!\[)[^&#\s\"']{16,}",
        *("sig", "credential", "token", "secret", "password", "key="),
        flags=re.IGNORECASE,
    ),
    _form("json-web-token", r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*", "eyj"),
    _form(
        "authorization",
        r"(?P<kept>\b(?:bearer|basic)\s+)(?=[A-Za-z._~+/=-]{0,200}\d)[A-Za-z0-9._~+/=-]{16,}",
        *("bearer", "basic"),
        flags=re.IGNORECASE,
    ),
    _form("aws-key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b", "akia", "asia", "abia", "acca"),
    _form(
        "azure-key",
        r"(?P<kept>\b(?:AccountKey|SharedAccessKey)=)[A-Za-z0-9+/]{40,}={0,2}",
        *("accountkey=", "sharedaccesskey="),
    ),
    # Keys of storage accounts are 64 bytes, as SHA-512 is, which says its name in front.
    _form(
        "azure-key",
        r"(?<![A-Za-z0-9+/])(?<!sha512[-:=])[A-Za-z0-9+/]{86}==(?![A-Za-z0-9+/=])",
        "==",
    ),
    # 40 characters in which cases and digits change all the time: no name, no path, no digest.
    _form(
        "aws-secret",
        r"(?<![\w+/=.-])(?=[A-Za-z0-9+/]{40}(?![\w+/=.-]))(?=[A-Za-z0-9+/]*[0-9])(?=[a-z0-9+/]*[A-Z])"
        r"(?=[A-Z0-9+/]{0,6}(?:[a-z]{1,39}[A-Z0-9+/]{1,39}){7})[A-Za-z0-9+/]{40}",
    ),
    _form(
        "google-key",
        r"\bAIza[\w-]{35}|\bya29\.[\w-]{20,}|\bGOCSPX-[\w-]{20,}",
        *("aiza", "ya29.", "gocspx-"),
    ),
    _form(
        "github-token",
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{40,})",
        *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    ),
    _form("gitlab-token", r"\bgl(?:pat|dt|rt|cbt|ptt|ft|soat|agent)-[\w.=-]{20,}", "gl"),
    _form("slack-token", r"\bxox[abeoprs]-[\w-]{10,}|\bxapp-[\w-]{20,}", "xox", "xapp-"),
    _form(
        "slack-hook",
        r"(?P<kept>hooks\.slack\.com/(?:services|workflows)/)[\w/+]{20,}",
        "hooks.slack.com/",
    ),
    _form("hugging-face-token", r"\b(?:hf|api_org)_[A-Za-z0-9]{30,}", "hf_", "api_org_"),
    _form("anthropic-key", r"\bsk-ant-[\w-]{20,}", "sk-ant-"),
    _form("openai-key", r"\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{32,}", "sk-"),
    _form("stripe-key", r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}", "k_live_", "k_test_"),
    _form(
        "package-token",
        r"\b(?:pypi-AgE[\w-]{40,}|npm_[A-Za-z0-9]{36}|dckr_pat_[\w-]{20,})",
        *("pypi-age", "npm_", "dckr_pat_"),
    ),
    _form("databricks-token", r"\bdapi[0-9a-f]{32}\b", "dapi"),
    _form(
        "cloud-token",
        r"\b(?:dop_v1_[0-9a-f]{64}|hvs\.[\w-]{24,}|SG\.[\w-]{20,}\.[\w-]{20,})",
        *("dop_v1_", "hvs.", "sg."),
    ),
    _form("weights-and-biases-key", r"\bwandb_v1_\w{30,}", "wandb_v1_"),
    _form(
        "assignment",
        r"(?P<kept>(?<![A-Za-z0-9])"
        rf"(?:(?:{NAMES})\d{{0,3}}{_IS}|token{_IS}(?!\d+(?![^\s,;&'\"]))))"
        r"(?![{$<(\[])[^\s,;&'\"]{6,}",
        *("pass", "secret", "credential", "key", "token"),
        flags=re.IGNORECASE,
    ),
    _form("e-mail", r"\b[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b", "@")._replace(
        instead=None
    ),
    _form(
        "home-folder",
        r"(?:/home/|/Users/|\b[A-Za-z]:\\Users\\)[\w.-]{1,64}",
        *("/home/", "/users/", "\\users\\"),
    )._replace(instead=None),
)
#: Traces of people are reported, and stay in what is imported: git is full of them by design.
_HIDDEN = tuple(form for form in FORMS if form.instead is not None)
_REPORTED = tuple(form for form in FORMS if form.reported)
_SIGNS = (*dict.fromkeys(sign for form in _HIDDEN for sign in form.signs), "lin_")

#: A word as long as a secret without a sign: most texts hold none.
_WORD = re.compile(r"(?<![\w+/=.-])[A-Za-z0-9+/]{40}(?![\w+/=.-])")
OURS = re.compile(r"\blin_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}\b")
#: Attribute names whose value is a secret whatever it looks like.
_TELLING = re.compile(
    rf"(?:^|[._/\s:-])(?:{NAMES}|pwd|auth[_-]?token|access[_-]?token|refresh[_-]?token|cookie)"
    r"(?:$|[._/\s-])",
    re.IGNORECASE,
)
#: ``PWD`` of an environment is the folder that a process ran in.
_FOLDER = re.compile(r"[/~]|[A-Za-z]:\\")
#: Models have tokens too: only a value that looks like one is a secret.
_TOKEN_NAME = re.compile(r"(?:^|[._/\s:-])token$", re.IGNORECASE)
_TOKEN = re.compile(r"(?!\d+$)[\w.~+/=-]{16,}")


def secrets_in(text: str, name: str | None = None) -> Iterator[str]:
    """Find which forms of secret a text contains; ``name`` is the attribute that holds it.

    >>> list(secrets_in("https://ana:hunter2@localhost/x"))
    ['url-login']
    >>> list(secrets_in("hunter2", "db.password"))
    ['telling-name']
    """
    if name is not None and _is_secret(name, text):
        yield "telling-name"
    lowered = text.lower()
    for form in _REPORTED:
        if _may_hold(form, lowered) and form.pattern.search(text):
            yield form.name
    if OURS.search(text):
        yield "lineage-token"


def _is_secret(name: str, value: str) -> bool:
    """Whether a value is a secret for the name that it has."""
    if not value or value == SCRUBBED:
        return False
    if found := _TELLING.search(name):
        return not ("pwd" in found[0].lower() and _FOLDER.match(value))
    return bool(_TOKEN_NAME.search(name) and _TOKEN.fullmatch(value))


def scrub(text: str) -> str:
    """Remove credentials from a text: addresses, commands and messages contain them.

    >>> scrub("clone https://ana:hunter2@host/x with --token=abcdefgh")
    'clone https://host/x with --token=[scrubbed]'
    >>> scrub("token: rename the field, --tokenizer=bert-base")
    'token: rename the field, --tokenizer=bert-base'
    """
    shown = (_remembered if len(text) <= _SHORT else _scrub)(text)
    if shown != text:
        _note()
    return shown


def scrub_value(name: str, value: str) -> str:
    """Remove credentials from the value of an attribute; all of it where the attribute's name is
    that of a secret.

    >>> scrub_value("db.password", "hunter2")
    '[scrubbed]'
    """
    if not _is_secret(name, value):
        return scrub(value)
    _note()
    return SCRUBBED


def holds_any(texts: Iterable[str], names: Iterable[str]) -> bool:
    """Whether ``scrub`` hides anything in any of these texts, or ``scrub_value`` may for any of these
    names: one look at all together first, where nearly always there is none.
    """
    if any(_TELLING.search(name) or _TOKEN_NAME.search(name) for name in names):
        return True
    texts = tuple(texts)
    together = "\n".join(texts)
    lowered = together.lower()
    signs = [sign for sign in _SIGNS if sign in lowered]
    word = _WORD.search(together)
    if not signs and not word:
        return False
    return any(_scrub(text) != text for text in texts if word or _has_one(signs, text))


def _has_one(signs: Iterable[str], text: str) -> bool:
    return any(map(text.lower().__contains__, signs))


@dataclass(slots=True)
class Hidden:
    """How many texts held secrets that were hidden."""

    number: int = 0


_hidden: ContextVar[Hidden | None] = ContextVar("hidden", default=None)


@contextmanager
def counting() -> Iterator[Hidden]:
    """Count the texts in which anything is hidden meanwhile, in this thread or task."""
    found = Hidden()
    mark = _hidden.set(found)
    try:
        yield found
    finally:
        _hidden.reset(mark)


def _note() -> None:
    if (found := _hidden.get()) is not None:
        found.number += 1


def _may_hold(form: Form, lowered: str) -> bool:
    return not form.signs or any(map(lowered.__contains__, form.signs))


def _scrub(text: str) -> str:
    lowered = text.lower()
    if not any(map(lowered.__contains__, _SIGNS)) and not _WORD.search(text):
        return text
    for _ in range(_PASSES):
        before = text
        for form in _HIDDEN:
            if _may_hold(form, lowered):
                text = form.hide(text)
        text = OURS.sub(SCRUBBED, text) if "lin_" in lowered else text
        if text == before:
            break
    return text


#: Hiding one secret may show that another began right behind it.
_PASSES = 10
#: Sources say the same short things again and again.
_SHORT = 1_000
_remembered = lru_cache(maxsize=4096)(_scrub)
