# SPDX-License-Identifier: Apache-2.0
"""A real Chromium, driven over its DevTools protocol: just enough of it for our page."""

from __future__ import annotations

import base64
import itertools
import json
import os
import re
import shutil
import subprocess
import time
from contextlib import contextmanager

import pytest
from websockets.sync.client import connect

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--mute-audio")


def program():
    """The browser of this machine. A test that needs one is left out where there is none, and fails in
    CI.
    """
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Chromium on this machine")
    return found


class Page:
    """One page: evaluate, press keys, take a picture; collects what it asked for and complained of."""

    def __init__(self, socket):
        self._socket = socket
        self._numbers = itertools.count(1)
        self.requested = []
        self.complaints = []
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=30))
            self._note(message)
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]

    def _note(self, message):
        told = message.get("params", {})
        if message.get("method") == "Network.requestWillBeSent":
            self.requested.append(told["request"]["url"])
        if message.get("method") == "Log.entryAdded":
            self.complaints.append(told["entry"]["text"])
        if message.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(told["exceptionDetails"]["text"])

    def evaluate(self, expression):
        shown = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in shown, shown
        return shown["result"].get("value")

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")

    def wait(self, condition):
        deadline = time.monotonic() + 20
        while not self.evaluate(condition):
            assert time.monotonic() < deadline, condition
            time.sleep(0.05)

    def press(self, key, code, modifiers=0):
        for kind in ("rawKeyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                windowsVirtualKeyCode=code,
                modifiers=modifiers,
            )

    def picture(self, path):
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))


@contextmanager
def browsing(folder, *, size="1440,900"):
    """A page of a browser that knows nobody."""
    command = [program(), *_FLAGS, f"--window-size={size}", "--remote-debugging-port=0"]
    popen = subprocess.Popen(
        [*command, f"--user-data-dir={folder}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        told = next(filter(None, (re.search(r"ws://\S+", line) for line in popen.stderr)))
        with connect(told[0], max_size=None) as main:
            main.send('{"id": 1, "method": "Target.getTargets"}')
            while "id" not in (answer := json.loads(main.recv(timeout=30))):
                pass
        target = next(t for t in answer["result"]["targetInfos"] if t["type"] == "page")
        address = re.sub(r"/devtools/.*", f"/devtools/page/{target['targetId']}", told[0])
        with connect(address, max_size=None) as socket:
            yield Page(socket)
    finally:
        popen.terminate()
        popen.wait(timeout=20)
        popen.stderr.close()
