# SPDX-License-Identifier: Apache-2.0
"""Asks a tracking server over HTTP, which is not trusted: its answers and pages are bounded."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from functools import partial
from hashlib import sha256
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlencode
from urllib.request import (
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    ProxyHandler,
    Request,
    build_opener,
)

from importers.mlflow.values import storable
from lineage.errors import BadInput, EndpointMissing, InputMissing, LimitExceeded
from lineage.sources import json_reader
from lineage.sources.http_body import bounded, read_body

API = "/api/2.0/mlflow"
#: Seconds of silence, and for a whole answer; bytes of one.
_TIMEOUT, _LONGEST_ANSWER = 30.0, 600.0
_LARGEST_ANSWER = 128 * 1024 * 1024
#: Pages of one search, and how many of them may be short of what was asked for though others follow.
_MOST_PAGES, _MOST_SHORT = 100_000, 1_000
_LESS = "Import the database or the folder of the server instead."

Object = Mapping[str, Any]


class _NoRedirect(HTTPRedirectHandler):
    """A server that sends us elsewhere is refused: the user named this one."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """No request."""
        return


class _Http(HTTPHandler):
    def http_open(self, req: Request) -> HTTPResponse:
        """Open within the bounds of time."""
        return self.do_open(partial(_connection, HTTPConnection), req)


class _Https(HTTPSHandler):
    def https_open(self, req: Request) -> HTTPResponse:
        """Open within the bounds of time."""
        return self.do_open(partial(_connection, HTTPSConnection), req)


def _connection(kind: type[HTTPConnection], host: str, **named: Any) -> HTTPConnection:
    made = kind(host, **named)
    bounded(made, _LONGEST_ANSWER)
    return made


class Server:
    """JSON over HTTP to one address. Raises ``InputMissing``, ``BadInput``, ``LimitExceeded``."""

    def __init__(self, address: str, login: str | None) -> None:
        self.address = address.rstrip("/")
        self._opener = build_opener(_NoRedirect, ProxyHandler({}), _Http, _Https)
        self._headers = {"Accept": "application/json", "Content-Type": "application/json"}
        if login:
            credentials = b64encode(unquote(login).encode()).decode()
            self._headers["Authorization"] = f"Basic {credentials}"

    def ask(self, path: str, asked: Object, *, post: bool = False, api: str = API) -> Object:
        """The object that one request is answered with."""
        url, data = f"{self.address}{api}/{path}", None
        if post:
            data = json.dumps(asked).encode()
        elif asked:
            url += "?" + urlencode(asked, doseq=True)
        request = Request(url, data=data, headers=self._headers)  # noqa: S310 - the user's URL
        try:
            answer = self._opener.open(request, timeout=_TIMEOUT)
            text = read_body(answer, largest=_LARGEST_ANSWER, where=url, hint=_LESS)
        except HTTPError as error:
            with error:
                raise _refused(error, url) from error
        except (URLError, OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or str(error) or type(error).__name__
            message = f"the server does not answer: {reason}"
            raise InputMissing(message, where=url, hint="Check address and network.") from error
        value = json_reader.loads(text, where=url)
        if not isinstance(value, dict):
            raise BadInput("the answer is no JSON object: is this MLflow?", where=url)
        found: Object = storable(value)
        return found

    def pages(
        self, path: str, under: str, asked: Object, *, post: bool = False, api: str = API
    ) -> Iterator[Object]:
        """The objects of a search, page by page. Raises ``BadInput`` where the pages do not move on, and
        ``LimitExceeded`` where they do not end.
        """
        met, short, body = set[bytes](), 0, asked
        for _ in range(_MOST_PAGES):
            answer = self.ask(path, body, post=post, api=api)
            found = list(objects_of(answer, under))
            token = answer.get("next_page_token")
            if token and not isinstance(token, str):
                raise BadInput("the name of the next page is no text", where=self.address)
            marks = {_mark(token), _mark(list(map(_name, found)))} if token else set[bytes]()
            if met & marks:
                message = "the server sends the same page again and again"
                raise BadInput(message, where=self.address, hint=_LESS)
            yield from found
            if not token:
                return
            met |= marks if found else {_mark(token)}
            short += len(found) < asked["max_results"]
            if short > _MOST_SHORT:
                break
            body = {**asked, "page_token": token}
        message = f"the list does not end: its pages go on, and {short:,} are not full"
        raise LimitExceeded(message, where=f"{self.address}{api}/{path}", hint=_LESS)


def _mark(value: Any) -> bytes:
    return sha256(json.dumps(value).encode()).digest()


def _name(found: Object) -> Any:
    """What an object is known by: a page of the same objects is the same page, whatever else it says."""
    info = found.get("info")
    names = ("run_id", "model_id", "experiment_id", "dataset_id", "trace_id", "request_id", "name")
    of = {**(info if isinstance(info, dict) else {}), **found}
    return [of.get(name) for name in (*names, "version")] if of.keys() & set(names) else found


def _refused(error: HTTPError, url: str) -> BadInput:
    if error.code == 404:
        return EndpointMissing("the server does not offer this: is it MLflow?", where=url)
    hint = None
    if error.code in {401, 403}:
        hint = "Name user and password in the address: http://user:password@host"
    elif 300 <= error.code < 400:
        hint = f"It sends requests to {error.headers.get('Location')}; name that if you trust it."
    return BadInput(f"the server answers {error.code} {error.reason}", where=url, hint=hint)


def objects_of(found: Object, name: str) -> Iterator[Object]:
    """The objects in the list of this name."""
    value = found.get(name)
    return (
        (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())
    )
