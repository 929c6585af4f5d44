# SPDX-License-Identifier: Apache-2.0
"""The site of the documentation: it builds, each page is in its navigation, it loads nothing from elsewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
import tomllib
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.house.test_house import ROOT
from tests.server import browser

ZENSICAL = Path(sys.executable).with_name("zensical")


def build(folder):
    """Build the pages of a folder as ``make docs`` does; a copy, so that nothing lies about."""
    shutil.copy(ROOT / "zensical.toml", folder)
    return subprocess.run(
        [ZENSICAL, "build", "--strict"], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built once."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "docs", folder / "docs")
    done = build(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


@pytest.mark.parametrize(
    ("link", "problem"),
    [("gone.md", "page does not exist"), ("index.md#gone", "anchor does not exist")],
)
def test_a_link_that_leads_nowhere_fails_the_build(link, problem, tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(f"# A page\n\nTo [nowhere]({link}).\n", "utf-8")
    done = build(tmp_path)
    assert done.returncode != 0
    assert problem in done.stdout + done.stderr


def entries(nav):
    """The pages of the navigation, section by section."""
    for entry in nav:
        for target in entry.values():
            yield from [target] if isinstance(target, str) else entries(target)


def test_the_navigation_has_every_page_once_and_no_other():
    nav = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))["project"]["nav"]
    docs = ROOT / "docs"
    assert sorted(entries(nav)) == sorted(
        path.relative_to(docs).as_posix() for path in docs.rglob("*.md")
    )


def test_every_page_is_built(site):
    built = {path.relative_to(site).with_suffix(".md").as_posix() for path in site.rglob("*.html")}
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert built == pages | {"404.md"}


def test_no_page_loads_anything_from_elsewhere(site):
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        loaded = re.findall(
            r"<(?:script|link|img|iframe|source)\b[^>]*?(?:src|href)=\"?([^\"> ]+)", text
        )
        assert loaded, page
        assert [url for url in loaded if re.match(r"(https?:)?//", url)] == [], page
        # The theme's script would fetch Mermaid from elsewhere for a block of this class.
        assert 'class="mermaid"' not in text, page
    styles = "".join(path.read_text("utf-8") for path in site.rglob("*.css"))
    assert re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", styles) == []


@pytest.fixture
def served(site):
    """The address of the site on a server of this machine."""
    handler = partial(Quiet, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(20)


class Quiet(SimpleHTTPRequestHandler):
    """Files, without a line a request."""

    def log_message(self, *said):
        """Nothing."""


def test_a_browser_reads_the_site_asks_nobody_else_and_finds_a_word(served, tmp_path):
    with browser.browsing(tmp_path / "profile") as page:
        page.open(f"{served}/tutorial.html")
        page.wait("document.querySelectorAll('.md-code__button').length > 5")
        # The button beside a sample copies what is typed, and not what is printed: it copies the
        # inner text of blocks that it gives this attribute.
        page.evaluate(
            "for (const code of document.querySelectorAll('code')) code.dataset.mdCopying = ''"
        )
        copied = page.evaluate("document.querySelectorAll('.highlight code')[1].innerText")
        assert copied.splitlines()[:2] == ["mkdir ~/churn", "cd ~/churn"]
        assert "things, 11 links" not in page.evaluate(
            "document.querySelector('article').innerText"
        )
        page.evaluate("document.querySelector('.md-search__button').click()")
        page.wait("document.activeElement.shadowRoot?.activeElement?.matches('input')")
        page.call("Input.insertText", text="quarantine")
        results = "document.activeElement.shadowRoot.querySelectorAll('a')"
        page.wait(f"[...{results}].some(found => found.textContent.includes('quarantine accept'))")
        assert all(url.startswith((served, "data:", "blob:")) for url in page.requested)
        assert page.complaints == []
