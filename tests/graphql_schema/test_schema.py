# SPDX-License-Identifier: Apache-2.0
"""The schema: described throughout, out of the tables, and never broken for those who use it."""

from __future__ import annotations

import re

from graphql import (
    build_schema,
    find_breaking_changes,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_introspection_type,
    is_object_type,
    is_specified_scalar_type,
)

from graphql_schema import make, sdl
from graphql_schema.pages import FIELDS
from graphql_schema.schema import SNAPSHOT
from lineage.model import kinds, terms

SCHEMA = make()._schema


def test_the_schema_is_as_agreed_on():
    kept = SNAPSHOT.read_text("utf-8")
    broken = find_breaking_changes(build_schema(kept), SCHEMA)
    assert not broken, [change.description for change in broken]
    assert kept == sdl(), "if it is meant so: python -m graphql_schema"


def described():
    for name, sort in SCHEMA.type_map.items():
        if is_introspection_type(sort) or is_specified_scalar_type(sort):
            continue
        yield name, sort.description
        if is_enum_type(sort):
            yield from ((f"{name}.{word}", held.description) for word, held in sort.values.items())
        if is_object_type(sort) or is_interface_type(sort) or is_input_object_type(sort):
            for field, held in sort.fields.items():
                yield f"{name}.{field}", held.description
                for argument, asked in getattr(held, "args", {}).items():
                    yield f"{name}.{field}({argument})", asked.description


def test_everything_has_a_description():
    found = dict(described())
    assert len(found) > 1_000
    assert not [name for name, words in found.items() if not words]
    assert not [name for name, words in found.items() if not words.strip().endswith(".")]


def test_every_kind_is_a_node_of_its_family_with_its_fields():
    for name in kinds.KINDS:
        plain = name in kinds.PLAIN
        sort = SCHEMA.get_type("Plain" + name if plain else name)
        assert {"Node", kinds.family(name)} == {base.name for base in sort.interfaces}
        for field in kinds.fields_of(name):
            camel = re.sub(r"_(\w)", lambda found: found[1].upper(), field.name)
            assert sort.fields[camel].description == field.metadata["description"]
        assert FIELDS[name] in SCHEMA.query_type.fields


def test_every_relation_is_an_edge_with_its_arguments():
    for name, relation in terms.RELATIONS.items():
        sort = SCHEMA.get_type(name[0].upper() + name[1:])
        own = set(sort.fields) - set(SCHEMA.get_type("Edge").fields)
        assert len(own) == len(relation.arguments), (name, own)
    assert set(SCHEMA.get_type("Relation").values) == set(terms.RELATIONS)
    assert set(SCHEMA.get_type("Kind").values) == set(kinds.KINDS)
