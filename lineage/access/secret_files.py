# SPDX-License-Identifier: Apache-2.0
"""Finds files that hold secrets, by what they are called and by what is in them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lineage.access.secret_patterns import FORMS, NAMES, OURS, Form

#: Names that tools give their files of keys, passwords and tokens; a template of one holds none.
_NAMES = re.compile(
    r"\.env(?:\.(?!example$|sample$|template$|dist$|defaults$|schema$|test$)[\w.-]+)?|[\w.-]+\.env"
    r"|\.envrc|[._]netrc|\.git-credentials|\.pgpass|\.my\.cnf|\.mylogin\.cnf|\.htpasswd|\.pypirc|\.npmrc|\.yarnrc\.yml"
    r"|\.dockercfg|\.boto|\.s3cfg|\.vault-token|\.terraformrc|\.databrickscfg"
    r"|id_(?:rsa|dsa|ecdsa|ed25519|ecdsa_sk|ed25519_sk)(?:[._-](?!pub$)[\w-]+)?"
    r"|[\w.-]*\.(?:pem|key|p8|p12|pfx|ppk|jks|keystore|kdbx|agekey|ovpn|asc|gpg|tfvars|tfstate)"
    r"|(?:client_?secrets?|service[_-]?account[\w-]*|credentials?|kaggle|token)\.json"
    r"|(?:secrets?|credentials?)\.(?:ya?ml|toml|ini|cfg|conf|json|txt|properties)"
    r"|kubeconfig|credentials",
    re.IGNORECASE,
)
#: Names that say it only in their folder.
_PATHS = re.compile(
    r"(?:^|/)(?:\.ssh/(?!config$|known_hosts).+|\.gnupg/.+|\.aws/credentials|\.docker/config\.json|\.kube/config"
    r"|\.dvc/config\.local|\.config/gcloud/.+|\.azure/.+|\.huggingface/token)$"
)
#: Behind ``password=`` stands an expression there, unless it is in quotes.
_CODE = re.compile(
    r".*\.(?:pyi?|pyx|ipynb|rmd|qmd|r|jl|js|mjs|cjs|jsx|tsx?|java|kt|scala|go|rs|c|cc|cpp|cxx|cu|h|hpp|cs|swift|rb|php|pl|lua|m|md|rst)",
    re.IGNORECASE,
)
_LITERAL = re.compile(
    rf"(?<![A-Za-z0-9])(?:(?P<name>{NAMES})|token)\d{{0,3}}\\?['\"]?\]?\s{{0,4}}[:=]\s{{0,4}}[rbf]?"
    r"\\?(?P<quote>['\"])(?![<\[{($%])(?P<value>[^'\"\s\\]{6,500})\\?(?P=quote)"
)
#: As long as an access key of AWS: the one form that no sign in the text gives away.
_RUN = b"a" * 40
_RUNS = bytes(97 if chr(x) in "+/" or (x < 128 and chr(x).isalnum()) else 32 for x in range(256))
#: A login in an address that stands for any.
_EXAMPLE = re.compile(r"://.*(?:[{<$%*]|:(?:pass(?:word|wd)?|token|secret|pw)@$)", re.IGNORECASE)
#: What of a binary file people would read.
_PRINTED = re.compile(rb"[\t\n\r\x20-\x7e]{12,}")
_ASSIGNED = "assignment"


_FORMS = (
    *(form for form in FORMS if form.reported and form.instead is not None),
    Form("lineage-token", OURS, ("lin_",)),
)


def secrets_in_file(path: str, data: bytes) -> frozenset[str]:
    """Find the secrets in the content of a file (the texts themselves: keep them nowhere). A name or an address of
    a person is none, and in code neither is ``password=settings.password``.

    >>> len(secrets_in_file("a.py", b"password=ask(); api_key = 'Xy7Kq2Lm9'")), len(secrets_in_file("a.cfg", b"password=hunter2"))
    (1, 1)
    """
    text = _text(data)
    lowered = text.lower()
    code = _CODE.fullmatch(path) is not None
    found = {x[0] for x in _LITERAL.finditer(lowered) if _is_told(x)}
    for form in _FORMS:
        if not (code and form.name == _ASSIGNED):
            for start, end in _likely(form, text, lowered):
                matches = form.pattern.finditer(text, start, end)
                found.update(x[0] for x in matches if not _EXAMPLE.search(x[0]))
    return frozenset(found)


def _likely(form: Form, text: str, lowered: str) -> Iterator[tuple[int, int]]:
    """Where a form may be: the lines with a sign of it, each with the line behind it. Most texts have few."""
    if not form.signs or len(lowered) != len(text):
        # Some letters are two in lower case, and then no place is the same.
        if form.signs or _RUN in text.encode("latin-1", "replace").translate(_RUNS):
            yield 0, len(text)
        return
    for sign in form.signs:
        at = lowered.find(sign)
        while at >= 0:
            start, end = lowered.rfind("\n", 0, at) + 1, lowered.find("\n", at)
            behind = lowered.find("\n", end + 1) if end >= 0 else -1
            if form.pattern.flags & re.DOTALL or behind < 0:
                yield start, len(text)
                break
            yield start, behind
            at = lowered.find(sign, end)


def _is_told(found: re.Match[str]) -> bool:
    """Whether a text in quotes is a secret rather than a word: models have tokens too."""
    value = found["value"]
    odd = re.search(r"[^a-z_.:/ -]", value) is not None
    return odd and (found["name"] is not None or len(value) >= 16)


def _text(data: bytes) -> str:
    """The text of a file; of a binary one, what of it is text."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return b"\n".join(_PRINTED.findall(data)).decode("ascii")


def is_credential_file(path: str) -> bool:
    """Whether a file is one of credentials by its name (``a/b.pem``, with ``/`` between folders).

    >>> [is_credential_file(x) for x in ("deploy/.env", ".env.example", "id_ed25519", "id_ed25519.pub", "key.py")]
    [True, False, True, False, False]
    """
    return bool(_NAMES.fullmatch(path.rsplit("/", 1)[-1]) or _PATHS.search(path))
