# SPDX-License-Identifier: Apache-2.0
"""Answers of S3 as they were recorded, given again to clients of botocore: by a server that knows nothing else."""

from __future__ import annotations

import threading
from collections import defaultdict
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: How a program of the tests begins: a client that signs nothing, as one of public data.
CLIENT = """
import botocore.session, botocore.config, botocore, os
client = botocore.session.get_session().create_client(
    "s3", region_name="us-east-1", endpoint_url=os.environ["ANSWERS"],
    config=botocore.config.Config(
        signature_version=botocore.UNSIGNED, retries={"max_attempts": 1}, s3={"addressing_style": "path"}
    ),
)
"""


class Answers:
    """What is answered to ``GET /bucket/key``, one after the other, the last one again and again; and what was asked."""

    def __init__(self):
        self._given = defaultdict(list)
        self.asked = []
        self.url = ""

    def give(self, what, status=200, body=b"", **headers):
        """The next answer to a request; ``version_id`` stands for ``x-amz-version-id``, and so on."""
        named = {"etag": "ETag", "content_range": "Content-Range"}
        told = {named.get(k, "x-amz-" + k.replace("_", "-")): v for k, v in headers.items()}
        self._given[what].append((status, told, body))

    def take(self, what):
        """The answer to a request."""
        self.asked.append(what)
        answers = self._given.get(what) or [(404, {}, NO_KEY)]
        return answers.pop(0) if len(answers) > 1 else answers[0]


NO_KEY = (
    b"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"
)


@contextmanager
def answering():
    """A server of answers."""
    answers = Answers()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path, _, query = self.path.partition("?")
            named = "&".join(x for x in query.split("&") if x and not x.startswith("x-id="))
            status, headers, body = answers.take(
                f"{self.command} {path}" + (f"?{named}" if named else "")
            )
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status not in (204, 304):
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer  # noqa: N815 - the names of http.server

        def log_message(self, *_given):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_given: None  # a client may go at any time
    answers.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield answers
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
