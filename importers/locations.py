# SPDX-License-Identifier: Apache-2.0
"""The one name of data that several addresses mean: namespace and name as OpenLineage's naming
specification (``spec/Naming.md``) writes them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)(/[^?#]*)?")
#: Several clients of one service, each with a scheme of its own.
_SCHEMES: Mapping[str, str] = {
    "s3a": "s3",
    "s3n": "s3",
    "gcs": "gs",
    "wasb": "wasbs",
    "abfs": "abfss",
    "postgresql": "postgres",
}
#: The port that is meant where none is written; the specification writes it.
_PORTS: Mapping[str, int] = {
    "cassandra": 9042,
    "db2": 50000,
    "hdfs": 8020,
    "kafka": 9092,
    "mssql": 1433,
    "mysql": 3306,
    "oracle": 1521,
    "postgres": 5432,
    "redshift": 5439,
    "teradata": 1025,
}
#: Ports that an address of the web leaves out.
_SILENT: Mapping[str, str] = {"http": ":80", "https": ":443"}
#: Where names are paths, so that a slash at the end says nothing.
_FILES = frozenset({"abfss", "adl", "dbfs", "file", "gs", "hdfs", "s3", "wasbs"})
#: Of these the key of an object begins behind the slash.
_OBJECTS = frozenset({"gs", "s3", "wasbs"})
#: Of these the container stands before the host, where others have a login.
_CONTAINERS = frozenset({"abfs", "abfss", "wasb", "wasbs"})
_SNOWFLAKE = ".snowflakecomputing.com"


def of_address(scheme: str, netloc: str, path: str) -> tuple[str, str]:
    """Namespace and name of the data at an address, without the login in it.

    >>> of_address("s3a", "lab", "/clean/people/"), of_address("abfss", "raw@a.dfs.core.windows.net", "/x")
    (('s3://lab', 'clean/people'), ('abfss://raw@a.dfs.core.windows.net', '/x'))
    """
    before, at, host = netloc.rpartition("@")
    is_container = at and scheme.lower() in _CONTAINERS and ":" not in before
    shown = _SCHEMES.get(scheme.lower(), scheme.lower())
    name = path if shown in _FILES else path.strip("/")
    return normal(f"{scheme}://{netloc if is_container else host}", name)


def normal(namespace: str, name: str) -> tuple[str, str]:
    """Namespace and name of a dataset in their normal form; what is no address stays as it is.

    >>> normal("s3a://lab/", "clean/people/")
    ('s3://lab', 'clean/people')
    >>> normal("postgresql://db.lab", "public.people")
    ('postgres://db.lab:5432', 'public.people')
    """
    found = _ADDRESS.fullmatch(namespace)
    if found is None:
        return namespace, name
    said = found[1].lower()
    scheme = _SCHEMES.get(said, said)
    authority = _authority(scheme, found[2])
    if scheme in _FILES:
        bare = name.rstrip("/") or name[:1]
        name = (bare.lstrip("/") or bare) if scheme in _OBJECTS else bare
    return f"{scheme}://{authority}{(found[3] or '').rstrip('/')}", name


def _authority(scheme: str, said: str) -> str:
    """Hosts in lower case, with the port that the specification writes."""
    if scheme == "snowflake":
        return said.lower().removesuffix(_SNOWFLAKE)
    if scheme in _SILENT:
        return said.lower().removesuffix(_SILENT[scheme])
    port = _PORTS.get(scheme)
    if port is None or not said or "," in said:
        return said
    login, at, host = said.rpartition("@")
    has_port = re.search(r":\d+$", host) is not None
    return login + at + host.lower() + ("" if has_port else f":{port}")
