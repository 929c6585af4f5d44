# SPDX-License-Identifier: Apache-2.0
"""Files that hold secrets are found by their names and by what is in them, and others are left alone."""

from __future__ import annotations

import pytest

from lineage.access.secret_files import is_credential_file, secrets_in_file
from lineage.access.secret_patterns import FORMS

#: Put together here, so that no scan of this repository finds them.
KEY = "AKIA" + "IOSFODNN7EXAMPLE"
OURS = "lin" + "_Ab1Cd2Ef_" + "x" * 49


@pytest.mark.parametrize(
    "path",
    [
        *(
            ".env",
            "a/.env.local",
            "prod.env",
            ".netrc",
            "id_rsa",
            "id_ed25519.bak",
            "a/b/server.pem",
        ),
        *("tls.key", "store.p12", ".pypirc", ".npmrc", "service-account-7.json", "secrets.yaml"),
        *(".aws/credentials", "a/.kube/config", ".dvc/config.local", "main.tfstate", ".ssh/work"),
    ],
)
def test_credential_files_are_known_by_name(path):
    assert is_credential_file(path)


@pytest.mark.parametrize(
    "path",
    [
        *(".env.example", "id_rsa.pub", "tokenizer.json", "key.py", "monkey", "environment.yml"),
        *(".dvc/config", ".ssh/config", "secrets.py", "credentials_test.py", "data.keys", "pem"),
    ],
)
def test_other_files_are_not(path):
    assert not is_credential_file(path)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", f"key = '{KEY}'"),
        ("a.bin", f"\x00\x01\x02{KEY}\x00"),
        ("a.cfg", "password=hunter2"),
        ("a.yaml", "password:\nhunter2x9"),
        ("a.yaml", "key: a\npassword:\nhunter2x9\nkey: b"),
        ("a.py", "API_KEY = 'Xy7-Kq2-Lm9'"),
        ("a.ipynb", r'{"source": ["db_password = \"hunter2x9\"\n"]}'),
        ("a.py", f"'\u0130' + '{KEY}'"),  # a letter that is two in lower case
        ("a.txt", OURS),
        ("one-line.json", '{"a": 1, ' * 1000 + f'"{KEY}"' + ', "key": 2' * 1000),
    ],
)
def test_a_secret_in_a_file_is_found(path, text):
    assert secrets_in_file(path, text.encode("latin-1" if path.endswith(".bin") else "utf-8"))
    assert secrets_in_file(path, text.encode("utf-16"))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", "connect(password=settings.password2, api_key=keys[0], token=read_token1())"),
        ("a.py", "secret = 'client_secret'\npad_token = '<pad1>'\ntoken = 'token1'"),
        ("a.md", "git clone https://user:password@host/x and https://{user}:{pw1}@host"),
        ("a.md", "write to ana@example.org, in /home/ana/x"),
        ("a.lock", "sha512-" + "Ab1+" * 21 + "Ab==" + "\nsha256:" + "0f" * 32),
    ],
)
def test_what_is_no_secret_is_left_alone(path, text):
    assert not secrets_in_file(path, text.encode())


def test_looking_at_some_lines_alone_finds_what_looking_at_all_finds():
    """Each form is looked for where a sign of it is: every line of text that has one is read."""
    lines = [f"line {x} key token pass secret == gl :// sig" for x in range(200)]
    for number, form in enumerate(FORMS):
        lines.insert(7 * number, f"{form.signs[:1]} password=hunter{number} {KEY}{number % 10}")
    text = "\n".join([*lines, f"url = https://ana:hunter2x@host/{KEY}", KEY])
    hidden = [form for form in FORMS if form.reported and form.instead is not None]
    every = {x[0] for form in hidden for x in form.pattern.finditer(text)}
    assert every
    assert secrets_in_file("a.cfg", text.encode()) == every
