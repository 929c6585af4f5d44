# SPDX-License-Identifier: Apache-2.0
"""What importers hide is what the check of an export looks for, and little else is hidden."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.access.secret_patterns import FORMS, SCRUBBED, scrub, scrub_value, secrets_in
from tests.access.test_disclosure import SECRETS

#: People are reported, and not hidden.
TRACES = {"e-mail", "home-folder"}
HIDDEN = [(form, text, name) for form, text, name in SECRETS if form not in TRACES]


def test_every_form_is_tried():
    tried = {form for form, _, _ in SECRETS} | {
        # Their samples stand below.
        *("age-key", "slack-hook", "cloud-token", "weights-and-biases-key", "aws-secret"),
    }
    assert {form.name for form in FORMS if form.reported} <= tried


@pytest.mark.parametrize(
    ("form", "text", "name"),
    [
        *HIDDEN,
        ("age-key", "AGE-SECRET-KEY-1" + "QPZRY9X8" * 7, None),
        ("slack-hook", "https://hooks.slack.com/services/T00000000/B00000000/abcdefgh", None),
        ("cloud-token", "hvs." + "abcdefgh" * 4, None),
        ("weights-and-biases-key", "wandb_v1_" + "abcdefgh" * 4, None),
        ("aws-secret", "Hu7aBcD9eFgH1jKlM2nOpQ3rStU4vWxY5zAbC6dE", None),
        ("azure-key", "Zm9v" * 21 + "Zg==", None),
        ("lineage-token", "lin_abcdefgh_" + "Ab3" * 16 + "x", None),
        ("telling-name", "hunter", "AZURE_STORAGE_KEY"),
        ("assignment", "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG", None),
        ("assignment", '{"user": "ana", "password": "hunter22"}', None),
        ("assignment", "connect(token='abcdefgh')", None),
        ("signed-url", "s3://b/x?X-Amz-Security-Token=abcdefghijklmnopqrstuvwxyz&part=1", None),
    ],
)
def test_what_importers_hide_no_check_finds_again(form, text, name):
    said = f"before {text} after" if name is None else text
    assert form in set(secrets_in(said, name))
    hidden = scrub(said) if name is None else scrub_value(name, said)
    assert set(secrets_in(hidden, name)) <= TRACES
    assert form == "url-login" or SCRUBBED in hidden
    if name is None and form != "private-key":
        assert hidden.startswith("before ")
        assert hidden.endswith(" after")


def test_a_private_key_is_hidden_as_a_whole():
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabcd\n-----END RSA PRIVATE KEY-----"
    assert scrub(f"a {key} b {key}") == f"a {SCRUBBED} b {SCRUBBED}"
    assert scrub(f"cut: {key[:40]}") == f"cut: {SCRUBBED}"
    assert scrub("refuse -----BEGIN RSA PRIVATE KEY in files") == f"refuse {SCRUBBED} in files"


@pytest.mark.parametrize(
    "text",
    [
        "train.py --tokenizer=bert-base-uncased --max-tokens=100000",
        "pad_token=<|endoftext|> num_token=100000",
        "token: rename the field",
        "hf_transformers_trainer_run and sk-learn-model-pipeline-v2",
        "pypi-publish-workflow-name: basic understanding-of-the-matter",
        "See https://example.org/a@b and mail ana@example.org",
        "tag:v1?design=abcdefghijklmnopqrst",
        "{'vocab': {'token': 17, 'secret': 4}}",
        "PASSWORD=$PIP_PASSWORD api_key={{ key }}",
    ],
)
def test_what_lineage_is_full_of_is_imported_as_it_is(text):
    assert scrub(text) == text


@pytest.mark.parametrize(
    ("name", "value", "hidden"),
    [
        ("param.api-key", "x", True),
        ("env.PWD", "/home/ana/project", False),
        ("db.pwd", "hunter2", True),
        ("param.pad_token", "<|end_of_text_here|>", False),
        ("param.token", "a1" * 10, True),
        ("password_policy.length", "", False),
    ],
)
def test_a_telling_name_hides_the_whole_value(name, value, hidden):
    assert scrub_value(name, value) == (SCRUBBED if hidden else value)
    assert ("telling-name" in set(secrets_in(value, name))) is hidden


PIECES = [text for _, text, _ in SECRETS] + [
    *(
        "password",
        "=",
        ": ",
        "'",
        '"',
        "token",
        "https://",
        "ana",
        "@",
        "[",
        SCRUBBED,
        "\n",
        "?sig=",
    ),
    *("-----BEGIN PRIVATE KEY", "-----END PRIVATE KEY-----", "bearer ", "a1b2c3d4e5f6g7h8"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_whatever_stands_side_by_side_nothing_is_found_where_it_was_hidden(text):
    assert set(secrets_in(scrub(text))) <= TRACES
