# SPDX-License-Identifier: Apache-2.0
"""A verb is declared once: what every interface says of it comes from its request."""

from __future__ import annotations

import inspect

import click
import pytest

import lineage
from lineage.cli import VERBS, cli
from lineage.errors import Usage
from lineage.services.request import fields_of
from lineage.verbs import REQUESTS

#: Verbs that are subcommands, or commands that do more than the verb.
COMMANDS = {
    "commits": "commit resolve",
    "quarantine": "quarantine list",
    "preview": "quarantine show",
    "accept": "quarantine accept",
    "reject": "quarantine reject",
    "tie": "exchange tie",
    "tie_person": "person tie",
    "untie_person": "person untie",
    "suggest_people": "person suggest",
    "decision": "decision show",
    "decisions": "decision list",
    "deliberate": "decision accept",
    "lesson": "decision lesson",
    "lessons": "decision lessons",
    "link": "decision link",
    "story": "decision story",
    "review": "decision review",
    "supersede": "decision supersede",
    "contributions": "person contributions",
    "object_to_figures": "person object",
    "owners": "owner list",
    "set_owner": "owner set",
    "transfer_owner": "owner transfer",
    "environment": "environment show",
    "export_environment": "environment export",
    "keys": "keys list",
    "new_key": "keys new",
    "package": "export",
    "tokens": "token list",
    "add_token": "token add",
    "rotate_token": "token rotate",
    "revoke_token": "token revoke",
}
#: What the command finds by itself: the policy is a file that lies beside the store; what a command is called says the step.
FOUND = {("package", "policy"), ("deliberate", "reference"), ("deliberate", "step")}
#: ``trace`` in groups and as a tree: what the command shows is made of it.
#: ``reach`` is the options --ids and --count of trace and impact.
#: ``decide`` is for who never sees the file that ``decision new`` writes.
WITHOUT_COMMAND = {"decide", "produced", "reach"}


@pytest.fixture
def store():
    with lineage.open("memory:") as opened:
        yield opened


@pytest.mark.parametrize("verb", REQUESTS)
def test_a_method_has_the_signature_and_the_sentences_of_its_request(store, verb):
    method, request = getattr(store, verb), REQUESTS[verb]
    parameters = inspect.signature(method).parameters
    assert list(parameters) == [field.name for field in fields_of(request)]
    told = inspect.getdoc(method)
    assert " ".join(request.__doc__.split()) in told
    for field in fields_of(request):
        assert f"{field.name}: {field.says.text}" in told
        assert parameters[field.name].annotation is not inspect.Parameter.empty
        assert field.says.text.endswith("."), field


@pytest.mark.parametrize("verb", sorted(REQUESTS.keys() - WITHOUT_COMMAND))
def test_every_verb_is_a_command_whose_options_are_its_fields(verb):
    command = cli
    for word in COMMANDS.get(verb, verb).split():
        command = command.get_command(click.Context(command), word)
        assert command is not None, word
    wide = {"terminal_width": 10_000, "max_content_width": 10_000, **cli.context_settings}
    told = command.get_help(click.Context(command, **wide))
    assert " ".join(REQUESTS[verb].__doc__.split()) in told
    known = {parameter.name: parameter for parameter in command.params}
    for field in fields_of(REQUESTS[verb]):
        assert field.says.text in told or (verb, field.name) in FOUND, (verb, field.name)
        if (most := field.says.at_most) is not None:
            assert known[field.name].type.max == most


def test_every_example_is_of_a_command_there_is():
    for verb, request in REQUESTS.items():
        for example in request.examples:
            assert example.split()[0] in VERBS, (verb, example)


def test_a_wrong_argument_says_which_there_are(store):
    with pytest.raises(Usage, match=r"trace\(\) has no argument 'dept'") as caught:
        store.trace("x", dept=3)
    assert caught.value.hint.startswith("Did you mean depth?")
    assert "reference, depth, limit, via, version, at" in caught.value.hint
    with pytest.raises(Usage, match="missing a required argument: 'other'"):
        store.why("x")
    with pytest.raises(Usage, match="too many positional arguments"):
        store.trace("x", 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: s.trace("x", depth=-1), "depth is at least 0, not -1"),
        (lambda s: s.trace("x", limit=0), "limit is at least 1, not 0"),
        (lambda s: s.why("x", "y", k=51), "k is between 1 and 50, not 51"),
        (lambda s: s.ask("*", limit=1_000_001), "limit is between 1 and 1,000,000, not 1000001"),
        (lambda s: s.package(None, b"", days=0), "days is between 1 and 3,650, not 0"),
        (lambda s: s.add_token("x", role="viewer", days=0), "days is between 1 and 3,650, not 0"),
    ],
)
def test_what_is_out_of_bounds_is_one_clear_error(store, call, message):
    with pytest.raises(Usage) as caught:
        call(store)
    assert str(caught.value) == message
