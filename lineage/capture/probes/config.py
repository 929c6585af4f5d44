# SPDX-License-Identifier: Apache-2.0
"""Sees how a program was told what to do: its command line, the parameters in it, and the variables of its
environment. Of a variable that is on no list only its name is kept, and by a key whether it is the same as another
time.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lineage.access.secret_patterns import SCRUBBED, scrub, scrub_value
from lineage.capture.command import behind
from lineage.capture.found import Found, Json
from lineage.capture.words import is_secret_variable, secrets_of, without_secrets

#: Variables that change what a program computes, or where it reads, and whose values say nothing of a person.
_SHOWN = re.compile(
    r"LANG|LANGUAGE|LC_[A-Z]+|TZ|PATH|SOURCE_DATE_EPOCH|CI"
    r"|LD_LIBRARY_PATH|LD_PRELOAD|DYLD_(?:LIBRARY_PATH|INSERT_LIBRARIES|FALLBACK_LIBRARY_PATH)"
    r"|PYTHON[A-Z0-9_]*|VIRTUAL_ENV|CONDA_(?:PREFIX|DEFAULT_ENV)|PYENV_VERSION|UV_PROJECT_ENVIRONMENT"
    r"|R_(?:HOME|LIBS|LIBS_USER|LIBS_SITE)|JULIA_(?:PROJECT|DEPOT_PATH|LOAD_PATH|NUM_THREADS)"
    r"|(?:CUDA|CUBLAS|CUDNN|NCCL|NVIDIA|HIP|ROCR|HSA|MIOPEN|ROCM|TPU|XLA|JAX|TORCH|TORCHINDUCTOR|PYTORCH"
    r"|TRITON|KERAS|OMP|GOMP|KMP|MKL|OPENBLAS|BLIS|NUMEXPR|NUMBA|POLARS|RAYON|ARROW|DUCKDB|GLOO|UCX)"
    r"_[A-Z0-9_]*"
    r"|TF_(?:CPP_[A-Z_]*|DETERMINISTIC_OPS|CUDNN_[A-Z_]*|ENABLE_[A-Z0-9_]*|XLA_FLAGS|FORCE_[A-Z_]*"
    r"|NUM_[A-Z_]*|GPU_[A-Z_]*|USE_[A-Z_]*)"
    r"|TOKENIZERS_PARALLELISM|HF_(?:HOME|HUB_CACHE|HUB_OFFLINE|DATASETS_CACHE|DATASETS_OFFLINE|ENDPOINT)"
    r"|TRANSFORMERS_(?:CACHE|OFFLINE)|HUGGINGFACE_HUB_CACHE|XDG_CACHE_HOME"
    r"|MLFLOW_(?:TRACKING_URI|EXPERIMENT_NAME|EXPERIMENT_ID|RUN_ID|REGISTRY_URI)"
    r"|WANDB_(?:PROJECT|ENTITY|MODE|RUN_ID|RUN_GROUP|JOB_TYPE|NAME|DIR|SWEEP_ID)"
    r"|DVC_(?:STAGE|ROOT|EXP_NAME|EXP_BASELINE_REV|NO_ANALYTICS)|HYDRA_[A-Z_]*|GLIBC_TUNABLES"
)
#: Options of Python that take the next word, and those behind which no option is its own.
_PYTHON = re.compile(r"(?:python|pypy)[\d.]*t?")
_TAKE_NEXT = frozenset({"-W", "-X", "--check-hash-based-pycs"})
_SHELL = re.compile(r"(?:ba|da|z|k|c|tc|fi)?sh")

_OPTION = re.compile(r"(?P<name>--[A-Za-z][\w.-]*|-[A-Za-z])")
_ASSIGNED = re.compile(
    r"(?:--?(?P<option>[A-Za-z][\w./-]*)|\+{0,2}(?P<key>[A-Za-z_][\w./@-]*))=(?P<value>.*)",
    re.DOTALL,
)
_NUMBER = re.compile(
    r"[+-]?(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]?inf|nan", re.IGNORECASE
)


def probe(argv: Sequence[str], environ: Mapping[str, str], key: bytes | None) -> Found:
    """See the words of a command and the environment that it is started with. Bytes in them that are no UTF-8
    are surrogate escapes (PEP 383), which come back as they were. ``key`` is that of keyed hashes, by which
    values are known again that are not kept; without it their names are.
    """
    found = Found()
    secrets = [*secrets_of(environ)]
    said = without_secrets(argv, secrets)
    found.facts |= {"argv": [*said.words], "hidden": [*said.hidden], **_parameters(said.words)}
    shown: dict[str, Json] = {}
    others: dict[str, Json] = {}
    for name, value in sorted(environ.items()):
        if is_shown(name):
            (clean,) = without_secrets([scrub_value(name, value)], secrets).words
            shown[name] = clean
        elif is_secret_variable(name) or key is None:
            others[scrub(name)] = None
        else:
            others[scrub(name)] = _hashed(key, name, value)
    found.facts |= {"environment": shown, "others": others}
    if key is None and others:
        found.miss(
            "whether other variables are the same", "there is no key to hash their values with"
        )
    return found


def is_shown(name: str) -> bool:
    """Whether the value of a variable is recorded: it changes what a program computes, and is no secret.

    >>> is_shown("OMP_NUM_THREADS"), is_shown("HF_TOKEN"), is_shown("EDITOR")
    (True, False, False)
    """
    return _SHOWN.fullmatch(name) is not None and not is_secret_variable(name)


def _hashed(key: bytes, name: str, value: str) -> str:
    """The keyed hash of a variable: the same for the same value of the same variable, and for no other."""
    data = b"lineage variable\0" + os.fsencode(name) + b"\0" + os.fsencode(value)
    return f"hmac-sha256:{hmac.new(key, data, hashlib.sha256).hexdigest()}"


# --- parameters ----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Read:
    """Names with their texts as they stand; what may be a flag and an argument; flags."""

    named: list[tuple[str, str]] = field(default_factory=list)
    unsure: list[tuple[str, str]] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)


def _parameters(words: Sequence[str]) -> dict[str, Json]:
    """What a command line sets. ``parameters`` are certain: a name with ``=``, or an option before one number;
    ``ambiguous`` are those that may be a flag and an argument, or that are given more than once.
    """
    read = _Read()
    words = _own(words)
    place = 0
    while place < len(words) and words[place] != "--":
        place += _one(words, place, read)
    times = Counter(name for name, _ in (*read.named, *read.unsure))
    certain = {x: y for x, y in read.named if times[x] == 1 and SCRUBBED not in y}
    every = (*read.named, *read.unsure)
    return {
        "parameters": {**certain},
        "ambiguous": [[x, y] for x, y in every if x not in certain and SCRUBBED not in y],
        "flags": [*dict.fromkeys(read.flags)],
    }


def _own(words: Sequence[str]) -> Sequence[str]:
    """The words that are the program's own: behind ``env``, an interpreter and the script that it runs."""
    words = list(behind(words))
    program = os.path.basename(words[0]) if words else ""  # noqa: PTH119 - no path
    if _SHELL.fullmatch(program) and "-c" in words:
        return []
    rest = words[1:]
    if not _PYTHON.fullmatch(program):
        return rest
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option in {"-m", "-c"}:
            return rest[1:]
        if option in _TAKE_NEXT:
            rest[:1] = []
    return rest[1:]


def _one(words: Sequence[str], place: int, read: _Read) -> int:
    """Read what stands at a place, and return how many words it has."""
    word = words[place]
    if found := _ASSIGNED.fullmatch(word):
        read.named.append((found["option"] or found["key"], found["value"]))
        return 1
    if not (option := _OPTION.fullmatch(word)):
        return 1
    name = option["name"].lstrip("-")
    values = 0
    for value in words[place + 1 :]:
        if _is_option(value):
            break
        values += 1
    if not values:
        read.flags.append(name)
        return 1
    first = words[place + 1]
    alone = values == 1 or not _NUMBER.fullmatch(words[place + 2])
    (read.named if _NUMBER.fullmatch(first) and alone else read.unsure).append((name, first))
    return 2


def _is_option(word: str) -> bool:
    """Whether a word begins something else: an option, an assignment, the end of both."""
    if _ASSIGNED.fullmatch(word) or word == "--":
        return True
    return word.startswith("-") and word != "-" and not _NUMBER.fullmatch(word)
