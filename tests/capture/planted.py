# SPDX-License-Identifier: Apache-2.0
"""Secrets of every form, each with the part of it that must be found nowhere."""

from __future__ import annotations

import random
import string

LETTERS = string.ascii_letters + string.digits
UPPER = string.ascii_uppercase + string.digits
HEX = "0123456789abcdef"
_KEY = "RSA PRIVATE KEY-----"
#: Form -> what stands before the random part of it, how long that is, of what, and what stands behind.
FORMS = {
    "private-key": ("-----BEGIN " + _KEY + "\n", 64, LETTERS, "\n-----END " + _KEY),
    "age-key": ("AGE-SECRET-" + "KEY-1", 58, UPPER, ""),
    "url-login": ("https://ana:", 14, LETTERS, "@git.example/r.git"),
    "signed-url": ("s3://b/x?X-Amz-Signature=", 40, HEX, ""),
    "json-web-token": ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.", 30, LETTERS, ""),
    "authorization": ("Bearer ", 30, LETTERS, "9"),
    "aws-key": ("AKIA", 16, UPPER, ""),
    "azure-key": ("AccountKey=", 86, LETTERS, "=="),
    "aws-secret": ("", 40, None, ""),
    "google-key": ("AIza", 35, LETTERS, ""),
    "github-token": ("ghp_", 36, LETTERS, ""),
    "gitlab-token": ("glpat-", 20, LETTERS, ""),
    "slack-token": ("xoxb-123456789012-", 24, LETTERS, ""),
    "slack-hook": ("https://hooks.slack.com/services/T0/B0/", 24, LETTERS, ""),
    "hugging-face-token": ("hf_", 34, LETTERS, ""),
    "anthropic-key": ("sk-ant-", 40, LETTERS, ""),
    "openai-key": ("sk-proj-", 48, LETTERS, ""),
    "stripe-key": ("sk_live_", 24, LETTERS, ""),
    "package-token": ("npm_", 36, LETTERS, ""),
    "databricks-token": ("dapi", 32, HEX, ""),
    "cloud-token": ("hvs.", 30, LETTERS, ""),
    "weights-and-biases-key": ("wandb_v1_", 40, LETTERS, ""),
    "assignment": ("password=", 14, LETTERS, ""),
    "lineage-token": ("lin_abcdefgh_", 49, LETTERS, ""),
}


def planted():
    """Form, a text with a secret of it, and the secret part."""
    source = random.Random(14)
    for form, (before, length, alphabet, after) in FORMS.items():
        core = "".join(source.choice(alphabet or LETTERS) for _ in range(length))
        if alphabet is None:  # cases and digits that change all the time
            core = ("aB3dE5fG" * 5)[:length]
        yield form, f"{before}{core}{after}", core
