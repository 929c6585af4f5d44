# SPDX-License-Identifier: Apache-2.0
"""Asks Dagster itself: random asset graphs and selections in, what it selects out, as JSON.

Run with a Python that has dagster (``make dagster``); the answers are kept as
tests/query/dagster.json, so that the tests compare with them wherever Dagster is not installed.
"""

from __future__ import annotations

import json
import random
import sys

import dagster

#: The examples of Dagster's documentation of the syntax, over assets of these names.
EXAMPLES = (
    'key:"raw_data_b"+ and +key:"summary_stats_2"',
    '(key:"raw_data_a" or key:"raw_data_b")+ and +(key:"a_b_c_for_sales" or key:"b_c_for_sales")',
    '(kind:"s3" or kind:"snowflake") and group:"private_data"',
    'group:"public_data"+ and +group:"public_data"',
    'sinks(group:"private_data")',
    'roots(group:"private_data")',
    'roots(+key:"summary_stats_1")',
    'sinks(key:"raw_data_a"+)',
    'key:"raw_data_*"',
    'key:"*_for_sales"',
    'key:"a*c*s"',
    '1+key:"summary_stats_1"',
    'key:"raw_data_c"+1',
    '2+key:"summary_stats_1"+1',
    '+key:"a_b_c_for_sales"+',
    'not key:"raw_data_a"',
    'tag:"stage"="prod" and not kind:"s3"',
    'tag:"pii"',
    'owner:"team:sales" or owner:"ana@example.com"',
    'owner:"ana@example.com" and (group:"private_data" or kind:"python")',
    "*",
    "not *",
    "key:raw_data_a OR key:raw_data_b AND NOT group:public_data",
    "+(group:public_data and kind:s3)+1",
)
NAMES = (
    "raw_data_a", "raw_data_b", "raw_data_c", "a_b_c_for_sales", "b_c_for_sales",
    "summary_stats_1", "summary_stats_2", "report",
)  # fmt: skip
ATOMS = (
    *(f'key:"{name}"' for name in NAMES),
    'key:"raw*"', 'key:"*stats*"', 'group:"public_data"', 'group:"private_data"', 'kind:"s3"',
    'kind:"python"', 'tag:"stage"="prod"', 'tag:"stage"="dev"', 'tag:"pii"',
    'owner:"ana@example.com"', 'owner:"team:sales"',
)  # fmt: skip


def graph(rng: random.Random) -> list[dict[str, object]]:
    """A random acyclic graph of assets with owners, groups, kinds and tags."""
    names = rng.sample(NAMES, rng.randint(4, len(NAMES)))
    assets: list[dict[str, object]] = []
    for place, name in enumerate(names):
        before = names[:place]
        tags = {"stage": rng.choice(["prod", "dev"])} if rng.random() < 0.6 else {}
        if rng.random() < 0.3:
            tags["pii"] = ""
        assets.append(
            {
                "key": name,
                "deps": rng.sample(before, min(len(before), rng.choice([0, 1, 1, 2, 3]))),
                "group": rng.choice(["public_data", "private_data"]),
                "owners": rng.sample(["ana@example.com", "team:sales"], rng.randint(0, 2)),
                "kinds": rng.sample(["s3", "snowflake", "python"], rng.randint(0, 2)),
                "tags": tags,
            }
        )
    return assets


def query(rng: random.Random, depth: int = 2) -> str:
    """A random selection of Dagster's grammar."""
    if depth == 0 or rng.random() < 0.25:
        return rng.choice(ATOMS)
    one, other = query(rng, depth - 1), query(rng, depth - 1)
    forms = (
        f"({one}) and ({other})",
        f"({one}) or ({other})",
        f"not ({one})",
        f"{rng.choice(['', '1', '2'])}+({one})",
        f"({one})+{rng.choice(['', '1', '2'])}",
        f"{rng.choice(['', '1'])}+({one})+{rng.choice(['', '1'])}",
        f"roots({one})",
        f"sinks({one})",
        f"({one})+ and +({other})",
    )
    return rng.choice(forms)


def _spec(asset: dict[str, object]) -> dagster.AssetSpec:
    return dagster.AssetSpec(
        asset["key"],
        deps=asset["deps"],
        group_name=asset["group"],
        owners=asset["owners"],
        kinds=set(asset["kinds"]),
        tags=asset["tags"],
    )


def answers(assets: list[dict[str, object]], queries: list[str]) -> list[list[str] | None]:
    """What Dagster selects; ``None`` where it refuses the query."""
    # Materializable ones: Dagster leaves external assets out of some answers.
    definitions = [
        dagster.multi_asset(name=f"make_{asset['key']}", specs=[_spec(asset)])(lambda: None)
        for asset in assets
    ]
    built = dagster.Definitions(assets=definitions).resolve_asset_graph()
    found: list[list[str] | None] = []
    for text in queries:
        try:
            selection = dagster.AssetSelection.from_string(text)
            found.append(sorted(key.to_user_string() for key in selection.resolve(built)))
        except Exception as error:  # noqa: BLE001 - whatever it says, it is no answer
            print(f"{text}: {error}", file=sys.stderr)
            found.append(None)
    return found


def main() -> None:
    """Two hundred graphs, the documentation's examples and six random selections on each."""
    rng = random.Random(4)
    cases = []
    for _ in range(200):
        assets = graph(rng)
        queries = [*rng.sample(EXAMPLES, 8), *(query(rng) for _ in range(6))]
        if not cases:
            queries = [*EXAMPLES, *queries]
        told = dict(zip(queries, answers(assets, queries), strict=True))
        cases.append({"assets": assets, "answers": told})
    json.dump({"dagster": dagster.__version__, "cases": cases}, sys.stdout, separators=(",", ":"))


if __name__ == "__main__":
    main()
