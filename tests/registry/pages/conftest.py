"""A real browser, registries written to folders, and a server on this machine."""

from __future__ import annotations

import os
import re
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from .samples import ARGUMENTS, BROWSERS, shop, write_site

URL = "https://skills.example.com"
KEY = f"sha256:{'0123456789abcdef' * 4}"


def chromium():
    """Where Chromium is; without one the test is skipped, or fails where one is required."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        missing = f"there is no browser: none of {', '.join(BROWSERS)} is on the path"
        if os.environ.get("HEADRACE_REQUIRE_BROWSER") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    return found


@pytest.fixture(scope="module")  # its driver keeps an event loop running in this thread
def browser():
    program = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield started
        started.close()


class Watched:
    """A page, and all that went wrong in it: errors, refused resources, dialogs, requests."""

    def __init__(self, context, site):
        self.page = context.new_page()
        self.site = site
        self.wrong = []
        self.requests = []
        page = self.page
        page.set_default_timeout(10_000)
        page.on("console", lambda said: self.wrong.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("dialog", self._dialog)
        page.on("requestfailed", self._failed)
        page.on("request", lambda one: self.requests.append(one.url))

    def _failed(self, request):
        if request.failure != "net::ERR_ABORTED":  # the next page was opened meanwhile
            self.wrong.append(f"failed: {request.url}: {request.failure}")

    def _dialog(self, dialog):
        self.wrong.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def open(self, path="index.html"):
        self.page.goto(f"{self.site}/{path}")
        return self.page

    def search(self, words):
        """Types the words and waits until their results, or that there are none, are told."""
        self.page.fill("#words", words)
        self.page.locator("#count", has_text=re.compile("found")).wait_for()
        return self.page.locator("#results h3 a").all_text_contents()


@pytest.fixture
def visit(browser, serve):  # servers stay until the windows are closed
    """Opens a browser window for a site; at the end, nothing may have gone wrong in it."""
    contexts, windows = [], []

    def opened(site, *, width=1280, height=800, **more):
        context = browser.new_context(viewport={"width": width, "height": height}, **more)
        contexts.append(context)
        windows.append(Watched(context, str(site)))
        return windows[-1]

    yield opened
    for context in contexts:
        context.close()
    assert [wrong for window in windows for wrong in window.wrong] == []


@pytest.fixture(scope="session")
def shop_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop") / "a site #1"  # a path that has to be quoted
    return write_site(folder, *shop(), url=URL, fingerprint=KEY)


@pytest.fixture(scope="session")
def shop_site(shop_folder):
    """The shop's registry, opened as files."""
    return shop_folder.as_uri()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def serve():
    """Serves a folder below a path of a server on this machine."""
    servers = []

    def served(folder, below=""):
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_address[1]}{below}"

    yield served
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()
