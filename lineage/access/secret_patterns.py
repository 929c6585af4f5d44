# SPDX-License-Identifier: Apache-2.0
"""Secrets and traces of people in text: a small table of forms that hardly anything else has.

Forms of tokens by their issuers' prefixes, not entropy: digests, commit hashes and run ids look as
random as keys do, and a scan that cries at each of them is not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from lineage.access.tokens import ident_of


class Form(NamedTuple):
    """One form of secret: a stable name, and the pattern that finds it."""

    name: str
    pattern: re.Pattern[str]


def _form(name: str, pattern: str, flags: int = 0) -> Form:
    return Form(name, re.compile(pattern, flags))


#: The table. Repetitions are bounded: the text scanned was written by anybody.
FORMS = (
    _form("private-key", r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY"),
    _form("age-key", r"\bAGE-SECRET-KEY-1[0-9A-Z]{50,70}\b"),
    _form(
        "url-login", r"\b[a-z][a-z0-9+.-]{0,20}://[^/\s@:]{0,200}:[^/\s@]{1,500}@", re.IGNORECASE
    ),
    _form(
        "signed-url", r"[?&;](?:x-amz-signature|x-goog-signature|sig)=[^&#\s]{16,}", re.IGNORECASE
    ),
    _form("json-web-token", r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"),
    _form("authorization", r"\b(?:bearer|basic)\s+[A-Za-z0-9._~+/=-]{16,}", re.IGNORECASE),
    _form("aws-key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b"),
    _form("azure-key", r"\b(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40,}={0,2}"),
    _form("google-key", r"\bAIza[\w-]{35}|\bya29\.[\w-]{20,}|\bGOCSPX-[\w-]{20,}"),
    _form("github-token", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{40,})"),
    _form("gitlab-token", r"\bgl(?:pat|dt|rt|cbt|ptt|ft|soat|agent)-[\w.=-]{20,}"),
    _form("slack-token", r"\bxox[abeoprs]-[\w-]{10,}|\bxapp-[\w-]{20,}"),
    _form("slack-hook", r"hooks\.slack\.com/(?:services|workflows)/[\w/+]{20,}"),
    _form("hugging-face-token", r"\b(?:hf|api_org)_[A-Za-z0-9]{30,}"),
    _form("anthropic-key", r"\bsk-ant-[\w-]{20,}"),
    _form("openai-key", r"\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{32,}"),
    _form("stripe-key", r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    _form("package-token", r"\b(?:pypi-AgE[\w-]{40,}|npm_[A-Za-z0-9]{36}|dckr_pat_[\w-]{20,})"),
    _form("databricks-token", r"\bdapi[0-9a-f]{32}\b"),
    _form("cloud-token", r"\b(?:dop_v1_[0-9a-f]{64}|hvs\.[\w-]{24,}|SG\.[\w-]{20,}\.[\w-]{20,})"),
    _form("weights-and-biases-key", r"\bwandb_v1_\w{30,}"),
    _form("e-mail", r"\b[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b"),
    _form("home-folder", r"(?:/home/|/Users/|\b[A-Za-z]:\\Users\\)[\w.-]{1,64}"),
)

#: Attribute names whose value is a secret whatever it looks like.
_TELLING = re.compile(
    r"(?:^|[._/\s:-])(?:password|passwd|passphrase|pwd|secret|api_?key|access_?key|private_?key"
    r"|secret_?key|account_?key|auth_?token|access_?token|refresh_?token|credentials?|cookie)"
    r"(?:$|[._/\s-])",
    re.IGNORECASE,
)
_BARE_TOKEN = re.compile(r"(?:^|[._/\s:-])token$", re.IGNORECASE)
_ASSIGNED = re.compile(
    r"(?<![A-Za-z0-9])(?:[\w-]{0,40}[_-])?(?:password|passwd|secret|token|api[_-]?key)"
    r"(?:=|\s?:\s)(?![{$<(\[])[^\s,;&'\"]{6,}",
    re.IGNORECASE,
)
_OURS = re.compile(r"\blin_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}\b")
#: What importers leave where a secret was.
_SCRUBBED = "[scrubbed]"


def secrets_in(text: str, name: str | None = None) -> Iterator[str]:
    """The forms of secret that a text has; ``name`` is the attribute that holds it.

    >>> list(secrets_in("https://ana:hunter2@git.example/x"))
    ['url-login']
    >>> list(secrets_in("hunter2", "db.password"))
    ['telling-name']
    """
    if name is not None and text and text != _SCRUBBED:
        long_token = _BARE_TOKEN.search(name) and len(text) >= 16 and not text.isdigit()
        if _TELLING.search(name) or long_token:
            yield "telling-name"
    for form in FORMS:
        if form.pattern.search(text):
            yield form.name
    if any(ident_of(found) for found in _OURS.findall(text)):
        yield "lineage-token"
    if (found := _ASSIGNED.search(text)) and _SCRUBBED not in found.group():
        yield "assignment"


#: User and password of an URL; tokens by their issuers' prefixes; values under telling names.
_CREDENTIALS = re.compile(
    r"(?P<scheme>\b[a-z][a-z0-9+.-]{0,20}://)[^/\s@]{1,500}@"
    r"|\b(?:gh[pousr]_|github_pat_|glpat-|xox[abprs]-|hf_|sk-|dckr_pat_|pypi-)[\w-]{16,}"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[\w-]{30,}|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"
    r"|(?P<name>\b[\w-]{0,40}(?:password|passwd|secret|token|api[_-]?key)[\w-]{0,20}"
    r"(?:=|\s?:\s?(?=[^\s\d]{0,40}\d)))(?![{$<(])[^\s,;&'\"]{6,}",
    re.IGNORECASE,
)


def scrub(text: str) -> str:
    """A text without the credentials in it: addresses, commands and messages carry them.

    >>> scrub("clone https://ana:hunter2@host/x with --token=abcdefgh")
    'clone https://host/x with --token=[scrubbed]'
    >>> scrub("token: rename the field")
    'token: rename the field'
    """
    return (_remembered if len(text) <= _SHORT else _scrub)(text)


def _scrub(text: str) -> str:
    return _CREDENTIALS.sub(_replaced, text)


#: Sources say the same short things again and again, and looking costs 150 ns a character.
_SHORT = 1_000
_remembered = lru_cache(maxsize=4096)(_scrub)


def _replaced(found: re.Match[str]) -> str:
    return found["scheme"] or f"{found['name'] or ''}[scrubbed]"
