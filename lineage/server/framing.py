# SPDX-License-Identifier: Apache-2.0
"""Makes uvicorn's HTTP/1.1 read a connection in one way only: what is not framed as RFC 9112 says is
refused, and Upgrade to anything but a WebSocket is passed over, as RFC 9110 (7.8) allows.
"""

from __future__ import annotations

import httptools
from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from lineage.errors import BadInput, LineageError
from lineage.server import problems, request_id

_WRONG = BadInput(
    "this is no request of HTTP/1.1 that can be read in one way only",
    hint="Look at its first line, Host, Content-Length and Transfer-Encoding.",
)


class Framing(HttpToolsProtocol):
    """The protocol of one connection.

    httptools takes what stands behind the headers of a request with ``Upgrade`` for another
    protocol's. Where we do not upgrade, it is the body: it is given to a new parser behind the same
    headers without that one.
    """

    #: The Upgrade of the request being read is passed over; the connection is read no further.
    _passed_over = False
    _broken = False
    parser: httptools.HttpRequestParser

    def data_received(self, data: bytes) -> None:
        """Read on, unless what came before could not be read."""
        if self._broken:
            return
        self._unset_keepalive_if_required()
        try:
            while data:
                data = self._parsed(data)
        except httptools.HttpParserError:
            self._broken = True
            self.send_400_response("no request of HTTP/1.1")

    def _parsed(self, data: bytes) -> bytes:
        """Give data to the parser; what is to be given to the next one."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as stopped:
            if not self._passed_over:
                self.handle_websocket_upgrade()
                return b""
            self._passed_over = False
            head = self._without_upgrade()
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            return head + data[stopped.args[0] :]
        return b""

    def _without_upgrade(self) -> bytes:
        version = self.parser.get_http_version().encode()
        lines = [b" ".join((self.parser.get_method(), self.url, b"HTTP/" + version))]
        lines += [b": ".join(field) for field in self.headers if field[0] != b"upgrade"]
        return b"\r\n".join([*lines, b"", b""])

    def _should_upgrade(self) -> bool:
        """Only a GET without a body opens a WebSocket, and not before its turn to be answered."""
        names = {name for name, _ in self.headers}
        return (
            super()._should_upgrade()
            and self.parser.get_method() == b"GET"
            and self.parser.get_http_version() == "1.1"
            and names.isdisjoint((b"content-length", b"transfer-encoding"))
            and (self.cycle is None or self.cycle.response_complete)
        )

    def on_headers_complete(self) -> None:
        """Begin to answer; where the Upgrade is passed over, when the headers come again."""
        old = self.parser.get_http_version() == "1.0"
        self._check_framing(old)
        if self.parser.should_upgrade() and not self._should_upgrade():
            self._passed_over = True
            return
        if old:
            self.expect_100_continue = False
        super().on_headers_complete()

    def _check_framing(self, old: bool) -> None:
        """Raise ``ValueError``, which the parser turns into its own, for what is to be refused."""
        hosts = sum(name == b"host" for name, _ in self.headers)
        codings = [v.strip().lower() for name, v in self.headers if name == b"transfer-encoding"]
        if (
            hosts > 1
            or (hosts == 0 and not old)
            or (codings and (old or codings != [b"chunked"]))
            or self.parser.get_method() == b"CONNECT"
        ):
            raise ValueError

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        if not self._passed_over:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Take note that the body is whole."""
        if not self._passed_over:
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Say that nothing more is read here, in the turn of what cannot be read."""
        del msg
        response = self._closing(_WRONG)
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                # Whole requests came before: they are answered, then the connection ends.
                cycle.keep_alive = False
                return
            if self.pipeline:
                self.pipeline[0] = (cycle, response)  # type: ignore[assignment] # an ASGI app
                return
        self._answer_and_close(response)

    def _closing(self, error: LineageError) -> Response:
        """The problem in front of the end of the connection."""
        with request_id.answering(request_id.new()):
            self.logger.warning("refused before it was read: %s", error.code)
            response = problems.problem(error)
            response.headers["x-request-id"] = request_id.current() or ""
        response.headers["connection"] = "close"
        return response

    def refuse(self, error: LineageError) -> None:
        """Refuse beside the application, and read no further."""
        self._answer_and_close(self._closing(error))

    def _answer_and_close(self, response: Response) -> None:
        self._broken = True
        lines = [STATUS_LINE[response.status_code].rstrip(), *map(b": ".join, response.raw_headers)]
        self.transport.write(b"\r\n".join([*lines, b"", bytes(response.body)]))
        self.transport.close()
