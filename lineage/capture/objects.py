# SPDX-License-Identifier: Apache-2.0
"""Sees which objects of remote stores this process reads and writes, through botocore (boto3, s3fs and whatever stands on
them), through fsspec, and as tables of Parquet through Arrow. What the answer to a reading or a writing says of the
object is taken from that answer: nothing is asked for besides, and what it does not say is not known.

It stands alone, on the standard library, as ``watch`` does: it is also loaded by its path into programs whose Python does
not have this package.
"""

from __future__ import annotations

import functools
import os
import sys
from contextlib import suppress

TYPE_CHECKING = False  # that of ``typing`` costs five milliseconds
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, TypeAlias

    from lineage.capture.loads import Loads

    #: Told of each version of an object when it is first read, and whenever one is written or deleted.
    Say: TypeAlias = Callable[[dict[str, Any]], None]

#: Objects of one process that are told.
MOST = 10_000
#: Versions that are remembered: a program may read any number of ranges of each.
_KNOWN = 50_000
#: Who has seen it, as a witness.
BOTOCORE, FSSPEC, ARROW = "botocore", "fsspec", "pyarrow"
#: Module -> the class of its clients.
_CLIENTS = {"botocore.client": "BaseClient", "aiobotocore.client": "AioBaseClient"}
_CALL = "_make_api_call"
#: Module -> its file system that copies whole objects by methods of its own.
_SYSTEMS = {"fsspec.implementations.http": "HTTPFileSystem", "gcsfs.core": "GCSFileSystem"}
#: Such a method -> which of its arguments is the object, and whether it is written.
_COPIES = {
    "_cat_file": (0, False),
    "_get_file": (0, False),
    "_pipe_file": (0, True),
    "_put_file": (1, True),
}
#: The protocols of fsspec behind which objects lie elsewhere; those of S3 are seen where botocore is.
_PROTOCOLS = frozenset({"gs", "gcs", "abfs", "abfss", "az", "http", "https", "hf"})
#: Functions of Arrow -> which of their arguments is a file or folder, what it is called, and whether it is written.
_TABLES = {"read_table": (0, "source", False), "write_table": (1, "where", True)}
_ARROW = "pyarrow.parquet.core"
#: Schemes and types of Arrow's own file systems behind which objects lie.
_SCHEMES = {"s3": "s3", "gs": "gs", "gcs": "gs"}
#: What of an answer says by which algorithm, and not what, a checksum is.
_NO_CHECKSUM = frozenset({"ChecksumType", "ChecksumAlgorithm", "ChecksumMode"})


class Objects:
    """What is seen in this process. What is replaced in a class stays so, and says nothing once it is stopped."""

    def __init__(self) -> None:
        self._say: Say | None = None
        self._seen: set[Any] = set()
        self._told = 0
        self._is_started = False

    def start(self, say: Say, loads: Loads) -> None:
        """Tell from now on which objects are read and written, by libraries that are loaded or will be."""
        self._seen.clear()
        self._told, self._say = 0, say
        if not self._is_started:
            self._is_started = True
            for name in _CLIENTS:
                loads.tell(name, self._of_client)
            for name in _SYSTEMS:
                loads.tell(name, self._of_system)
            loads.tell("fsspec.spec", self._of_fsspec)
            loads.tell(_ARROW, self._of_arrow)

    def stop(self) -> None:
        """Tell no more."""
        self._say = None

    # --- what is looked into ---

    def _of_client(self, name: str, module: Any) -> None:
        """Look at the answers to the calls of all clients."""
        whole = getattr(module, _CLIENTS[name])
        make = _calling_soon if name.startswith("aio") else _calling
        _replace(whole, _CALL, functools.partial(make, self))

    def _of_system(self, name: str, module: Any) -> None:
        """Look at whole objects that one file system of fsspec copies."""
        whole = getattr(module, _SYSTEMS[name])
        for method, (place, writes) in _COPIES.items():
            if method in vars(whole):
                _replace(whole, method, functools.partial(_copying, self, place, writes))

    def _of_fsspec(self, _name: str, module: Any) -> None:
        """Look at files that file systems of fsspec open for reading, and close after writing."""
        _replace(module.AbstractFileSystem, "open", functools.partial(_opening, self))
        _replace(module.AbstractBufferedFile, "close", functools.partial(_closing, self))

    def _of_arrow(self, _name: str, module: Any) -> None:
        """Look at tables that Arrow reads and writes with its own clients."""
        for name, (place, called, writes) in _TABLES.items():
            _replace(module, name, functools.partial(_tabling, self, place, called, writes))

    # --- what was seen ---

    def asked(self, call: str, given: Any) -> Mapping[str, Any] | None:
        """What a call is about to be given, before botocore writes it otherwise; ``None`` where it is of no object."""
        if self._say is None or call not in _CALLS:
            return None
        return {**given} if isinstance(given, dict) else None

    def answered(
        self, client: Any, call: str, given: Mapping[str, Any] | None, answer: Any
    ) -> None:
        """A service of Amazon, or one that speaks as it does, has answered a call without an error."""
        if given is None:
            return
        with suppress(Exception):  # the program has its answer, whatever is not seen of it
            if client.meta.service_model.service_name == "s3":
                for said in _CALLS[call](given, answer):
                    self._tell({"scheme": "s3", **_endpoint(client), **said, "by": BOTOCORE})

    def touched(self, system: Any, path: Any, *, writes: bool) -> None:
        """A file system of fsspec has read or written an object."""
        if self._say is None:
            return
        with suppress(Exception):
            own = system.protocol
            if _PROTOCOLS.isdisjoint((own,) if isinstance(own, str) else own):
                return
            self._tell({**_address(system.unstrip_protocol(path)), "writes": writes, "by": FSSPEC})

    def tabled(self, source: Any, system: Any, *, writes: bool) -> None:
        """Arrow has read or written a table at addresses, or at paths of a file system."""
        if self._say is None:
            return
        with suppress(Exception):
            of = _SCHEMES.get(getattr(system, "type_name", ""))
            for one in source if isinstance(source, list) else [source]:
                text = one if of is None or "://" in one else f"{of}://{one}"
                scheme, is_address, rest = text.partition("://")
                if is_address and scheme in _SCHEMES and (system is None or of is not None):
                    text = f"{_SCHEMES[scheme]}://{rest.partition('?')[0].rstrip('/')}"
                    self._tell({**_address(text), "writes": writes, "by": ARROW})

    def _tell(self, said: dict[str, Any]) -> None:
        if said["key"].endswith("/"):
            return  # what is called like a folder has no bytes
        if not said["writes"]:
            known = repr(said)
            if known in self._seen:
                return
            if len(self._seen) > _KNOWN:
                self._seen.clear()
            self._seen.add(known)
        self._told += 1
        if self._say is not None and self._told <= MOST:
            self._say({"event": "object", "pid": os.getpid(), **said})
        elif self._say is not None and self._told == MOST + 1:
            self._say({"event": "objects_cut", "pid": os.getpid()})


def _replace(whole: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Put what also looks in the place of a method, once."""
    original = vars(whole)[name]
    if not hasattr(original, _MARK):
        looking = functools.wraps(original)(make(original))
        setattr(looking, _MARK, True)
        setattr(whole, name, looking)


def _calling(objects: Objects, original: Any) -> Any:
    def called(client: Any, operation_name: str, api_params: Any) -> Any:
        given = objects.asked(operation_name, api_params)
        answer = original(client, operation_name, api_params)
        objects.answered(client, operation_name, given, answer)
        return answer

    return called


def _calling_soon(objects: Objects, original: Any) -> Any:
    async def called(client: Any, operation_name: str, api_params: Any) -> Any:
        given = objects.asked(operation_name, api_params)
        answer = await original(client, operation_name, api_params)
        objects.answered(client, operation_name, given, answer)
        return answer

    return called


def _copying(objects: Objects, place: int, writes: bool, original: Any) -> Any:
    async def copied(system: Any, *given: Any, **named: Any) -> Any:
        done = await original(system, *given, **named)
        is_folder = not writes and len(given) > 1 and _is_folder(given[1])
        if len(given) > place and not is_folder:
            objects.touched(system, given[place], writes=writes)
        return done

    return copied


def _tabling(objects: Objects, place: int, called: str, writes: bool, original: Any) -> Any:
    def tabled(*given: Any, **named: Any) -> Any:
        done = original(*given, **named)
        source = given[place] if len(given) > place else named.get(called)
        objects.tabled(source, named.get("filesystem"), writes=writes)
        return done

    return tabled


def _opening(objects: Objects, original: Any) -> Any:
    def opened(system: Any, path: Any, mode: Any = "rb", *given: Any, **named: Any) -> Any:
        file = original(system, path, mode, *given, **named)
        if mode == "rb":  # text is read through bytes
            objects.touched(system, path, writes=False)
        return file

    return opened


def _closing(objects: Objects, original: Any) -> Any:
    def closed(file: Any) -> Any:
        was_open = not file.closed
        done = original(file)
        if was_open and getattr(file, "mode", "rb") != "rb" and getattr(file, "autocommit", True):
            objects.touched(getattr(file, "fs", None), getattr(file, "path", None), writes=True)
        return done

    return closed


def _is_folder(path: Any) -> bool:
    return isinstance(path, str | os.PathLike) and os.path.isdir(path)  # noqa: PTH112


def _address(text: str) -> dict[str, str]:
    """An address by its parts, without login, and without the query in which signatures stand."""
    scheme, _, rest = text.partition("://")
    if scheme in ("http", "https"):
        rest = rest.partition("#")[0].partition("?")[0]
    host, _, key = rest.partition("/")
    return {"scheme": scheme, "host": host.rpartition("@")[2], "key": key}


def _endpoint(client: Any) -> dict[str, str]:
    """The host of the service, where it is not Amazon's."""
    url = client.meta.endpoint_url or ""
    host = url.partition("://")[2].partition("/")[0].rpartition("@")[2]
    of_amazon = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")
    return {} if not host or host.endswith(of_amazon) else {"endpoint": host}


# --- what the calls of S3 say (Amazon S3 API Reference) ---


def _read(given: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    place = {"host": given["Bucket"], "key": given["Key"], "writes": False}
    part = answer.get("ContentRange")
    if part is None:
        yield {
            **place,
            **_version(answer),
            **_checksums(answer),
            **_size(answer.get("ContentLength")),
        }
    else:  # a checksum would be that of the part
        yield {**place, **_version(answer), **_size(part.rpartition("/")[2])}


def _written(given: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    place = {"host": given["Bucket"], "key": given["Key"], "writes": True}
    yield {**place, **_version(answer), **_checksums(answer)}


def _copied(given: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What was copied from was read; its etag is not told."""
    yield from _source(given, answer)
    told = answer.get("CopyObjectResult", {})
    place = {"host": given["Bucket"], "key": given["Key"], "writes": True}
    yield {**place, **_version({**told, "VersionId": answer.get("VersionId")}), **_checksums(told)}


def _source(given: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    source = given["CopySource"]
    if isinstance(source, str):
        path = source.rpartition("?versionId=")[0] or source
        bucket, _, key = path.partition("/object/" if path.startswith("arn:") else "/")
    else:
        bucket, key = source["Bucket"], source["Key"]
    version = _version({"VersionId": answer.get("CopySourceVersionId")})
    yield {"host": bucket, "key": key, "writes": False, **version}


def _deleted(given: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if "Delete" in given:
        failed = {(one.get("Key"), one.get("VersionId")) for one in answer.get("Errors", ())}
        asked = given["Delete"]["Objects"]
    else:
        failed, asked = set(), [given]
    for one in asked:
        if (one["Key"], one.get("VersionId")) not in failed:
            place = {"host": given["Bucket"], "key": one["Key"], "writes": True, "deleted": True}
            yield {**place, **_version(one)}


_CALLS: dict[str, Callable[[Mapping[str, Any], Any], Iterator[dict[str, Any]]]] = {
    "GetObject": _read,
    "SelectObjectContent": _read,
    "PutObject": _written,
    "CompleteMultipartUpload": _written,
    "CopyObject": _copied,
    "UploadPartCopy": _source,
    "DeleteObject": _deleted,
    "DeleteObjects": _deleted,
}


def _version(answer: Mapping[str, Any]) -> dict[str, str]:
    """By what the store knows the version, as far as it says it."""
    said = {"version_id": answer.get("VersionId"), "etag": (answer.get("ETag") or "").strip('"')}
    return {name: value for name, value in said.items() if value}


def _checksums(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The checksums in an answer by their algorithms, as it has them, and of what they are: ``FULL_OBJECT``, or
    ``COMPOSITE`` where they are those of parts.
    """
    found = {
        name.removeprefix("Checksum").lower(): value
        for name, value in answer.items()
        if name.startswith("Checksum") and name not in _NO_CHECKSUM and value
    }
    if not found:
        return {}
    kind = answer.get("ChecksumType")
    return {"checksums": found, **({"checksum_type": kind} if kind else {})}


def _size(said: Any) -> dict[str, int]:
    """The size of the whole object; nothing where it is not told."""
    return {"size": int(said)} if str(said).isdecimal() else {}


def objects() -> Objects:
    """The one of this process, whoever loaded it."""
    found: Objects | None = getattr(sys, _NAME, None)
    if found is None:
        found = Objects()
        setattr(sys, _NAME, found)
    return found


#: Where the one of this process stands, so that two copies of this file are one; and what is marked as its own.
_NAME = _MARK = "_lineage_objects"
