# SPDX-License-Identifier: Apache-2.0
"""The schemas of MLflow's SQL store that this reader knows, and what it must find in any."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from importers.mlflow.database import Database, Rows
from importers.mlflow.values import Tally
from lineage.errors import BadInput, InputTooNew

#: Revisions of the schema that this reader was written for (``alembic_version``), up to 3.17.
KNOWN = frozenset(
    re.findall(
        r"\w+",
        """
    0584bdc529eb 0a8213491aaa 0c779009ac13 17e22815139b 181f10493468 1971f2d9a75b 1a0cddfcaa16
    1b5f0d9ad7c1 1bd49d398cd23 27a6a02d2cf1 2b4d017a5e9b 2c33131f4dae 2d6e25af4d3e 3500859a5d39
    39d1c3be5f05 3da73c924c2f 400f98739977 4465047574b1 451aebb31d03 534353b11cbc 5b0e9adcef9c
    5d2d30f0abce 6953534de441 6f8d9c3b2a1e 71994744cf8e 728d730b5ebd 75868b020152 76601a5f987d
    770bee3ae1dd 7ac759974ad8 7d34483879f0 7f2a7d5fae7d 84291f40a231 867495a8f9d4 89d3d66ed43f
    89d4b8295536 90e64c465722 97727af70f4d a1b2c3d4e5f6 a5b4c3d2e1f0 a8b9c0d1e2f3 a8c4a736bde6
    acf3f17fdcc7 ae8bbe7743c9 b7c8d9e0f1a2 b7e2c1a4d9f3 b7e4c1a90f23 bd07f7e963c5 bda7b8c39065
    bf29a5ff90ea c1d2e3f4a5b6 c3d6457b6d8a c3d9e7f1a2b4 c48cb773bb87 c8d9e0f1a2b3 c9d4e5f6a7b8
    cbc13b556ace cc1f77228345 cfd24bdc0731 d0e1f2a3b4c5 d3e4f5a6b7c8 da6fb0208061 dc11669786a5
    de4033877273 df50e92ffc5e e1f2a3b4c5d6 f5a4f2784254
    """,
    )
)

#: Without these there is nothing to read; other tables and columns came and go with versions.
CORE: Mapping[str, frozenset[str]] = {
    "experiments": frozenset({"experiment_id", "name"}),
    "runs": frozenset({"run_uuid", "experiment_id", "status", "start_time"}),
    "metrics": frozenset({"run_uuid", "key", "value", "timestamp"}),
    "params": frozenset({"run_uuid", "key", "value"}),
    "tags": frozenset({"run_uuid", "key", "value"}),
}
#: Tables that are read, or (the last) say nothing that another does not.
READ = frozenset(
    re.findall(
        r"\w+",
        """
    alembic_version experiments runs metrics latest_metrics params tags datasets inputs input_tags
    logged_models logged_model_params logged_model_metrics logged_model_tags registered_models
    registered_model_tags registered_model_aliases model_versions model_version_tags workspaces
    """,
    )
)

#: Tables of things that are not read, by the words that people have for the things.
UNREAD: Mapping[str, str] = {"trace_info": "traces", "evaluation_datasets": "evaluation sets"}

#: A row by the names of its columns.
Row = Mapping[str, Any]


class Tables:
    """The tables of one store, whatever its version: what a schema has not, is ``None`` or empty.

    Raises ``InputTooNew`` or ``BadInput`` where there is nothing to read.
    """

    def __init__(self, database: Database, tally: Tally) -> None:
        self._database = database
        self._columns = database.tables()
        self.names = self._columns.keys()
        found = self.select("alembic_version", "version_num")
        revision = str(found[0]["version_num"]) if found else None
        missing = sorted(
            f"{table}.{column}"
            for table, columns in CORE.items()
            for column in columns - self.columns(table)
        )
        where = database.address
        if missing and revision and revision not in KNOWN:
            message = f"schema {revision} is unknown and has no {', '.join(missing)}"
            raise InputTooNew(message, where=where)
        if missing:
            message = f"not a store of MLflow: it has no {', '.join(missing)}"
            raise BadInput(message, where=where)
        if revision not in KNOWN:
            reason = f"schema {revision} is unknown; read by the names of columns known from 3.17"
            tally.lose("schema features", reason)

    def columns(self, table: str) -> frozenset[str]:
        """The columns of a table, none for one that is not there."""
        return self._columns.get(table, frozenset())

    def select(
        self,
        table: str,
        *columns: str,
        where: str = "",
        parameters: Sequence[Any] = (),
        more: str = "",
    ) -> list[Row]:
        """Rows by the names of their columns."""
        if table not in self.names:
            return []
        statement = f'SELECT {self._asked(table, columns)} FROM "{table}"'  # noqa: S608 - all names are ours
        if where:
            statement += f" WHERE {where}"
        found = self.rows(f"{statement} {more}", parameters)
        return [dict(zip(columns, row, strict=True)) for row in found]

    def pages(self, table: str, key: str, *columns: str, size: int) -> Iterator[list[Row]]:
        """Rows by the names of their columns, so many at a time, in the order of a key."""
        asked = self._asked(table, columns)
        for found in self._database.pages(asked, table, key, size):
            yield [dict(zip(columns, row, strict=True)) for row in found]

    def _asked(self, table: str, columns: Sequence[str]) -> str:
        there = self.columns(table)
        return ", ".join(f'"{name}"' if name in there else "NULL" for name in columns)

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> Rows:
        """The rows of a statement over tables that are there."""
        return self._database.rows(statement, parameters)

    def size(self, table: str) -> int:
        """How many rows a table has."""
        if table not in self.names:
            return 0
        quoted = table.replace('"', '""')
        return int(self.rows(f'SELECT count(*) FROM "{quoted}"')[0][0])  # noqa: S608
