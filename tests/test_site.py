"""The documentation site: built of what is there, with no link that leads nowhere."""

from __future__ import annotations

import functools
import http.server
import importlib
import json
import pkgutil
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.registry.pages.conftest import browser  # noqa: F401 - a fixture

import headrace
import headrace_registry
import headrace_skills

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "docs/site/build.py"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(500),
    pytest.mark.skipif(sys.version_info < (3, 11), reason="what builds it is for 3.11 and later"),
]


def build(version: str, output: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(BUILD), "--version", version, "--output", str(output)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=400)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Two versions: the older one stands for what an earlier build left."""
    output = tmp_path_factory.mktemp("site")
    old = output / "0.0.9/docs/site/index.html"
    old.parent.mkdir(parents=True)
    old.write_text("<title>old</title>")
    done = build("0.1.0", output)
    assert done.returncode == 0, done.stdout + done.stderr
    return output


@pytest.fixture
def page(site):
    return lambda name: (site / "0.1.0" / name).read_text(encoding="utf-8")


@pytest.fixture
def text(page):
    return lambda name: " ".join(re.sub(r"<[^>]+>", " ", page(name)).split())


def test_every_guide_is_there(site):
    made = {path.stem for path in (site / "0.1.0/docs").glob("*.html")}

    assert made == {path.stem for path in (ROOT / "docs").glob("*.md")}


def test_the_reference_tells_what_a_public_name_does(text):
    assert "An idempotency key, stable across attempts" in text(
        "docs/site/api/headrace.context.html"
    )


def public_names():
    """Every name that a public module of the packages exports, as ``package: name``."""
    for package in (headrace, headrace_skills, headrace_registry):
        top = package.__name__
        found = (each.name for each in pkgutil.walk_packages(package.__path__, f"{top}."))
        public = (each for each in found if not re.search(r"\._", each))
        for module in (package, *map(importlib.import_module, public)):
            yield from (f"{top}: {name}" for name in getattr(module, "__all__", ()))


def test_every_public_name_has_a_place_in_the_reference(site):
    from sphinx.util.inventory import InventoryFile

    inventory = InventoryFile.loads((site / "0.1.0/objects.inv").read_bytes(), uri="/").data
    places = {place for kind, there in inventory.items() if kind[:3] == "py:" for place in there}
    told = {f"{place.split('.')[0]}: {place.split('.')[-1]}" for place in places}

    assert set(public_names()) - told == set()


def test_the_commands_are_told_with_their_options(text):
    assert "--explain" in text("docs/site/api/commands.html")


def test_versions_are_listed_the_newest_first(site):
    listed = json.loads((site / "versions.json").read_text())

    assert [each["version"] for each in listed] == ["0.1.0", "0.0.9"]


def test_the_front_leads_to_the_newest_version(site):
    assert "0.1.0/docs/site/index.html" in (site / "index.html").read_text()


def test_no_page_shows_a_place_of_the_machine_that_built_it(site):
    shown = [path for path in (site / "0.1.0").rglob("*.html") if str(ROOT) in path.read_text()]

    assert not shown


class TestInABrowser:
    @pytest.fixture(scope="class")
    def address(self, site):
        handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(site))
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()

    @pytest.fixture
    def browser_page(self, browser):  # noqa: F811
        page = browser.new_page()
        yield page
        page.close()

    def test_the_search_finds_a_guide(self, address, browser_page):
        browser_page.goto(f"{address}/0.1.0/search.html?q=approvals")

        browser_page.wait_for_selector("ul.search li a")
        found = browser_page.locator("ul.search li a").all_inner_texts()
        assert any("approv" in each.lower() for each in found)

    def test_another_version_can_be_chosen(self, address, browser_page):
        browser_page.goto(f"{address}/0.1.0/docs/site/index.html")

        browser_page.wait_for_selector(".version-switcher__menu a", state="attached")
        links = browser_page.locator(".version-switcher__menu a")
        chosen = {links.nth(place).get_attribute("href") for place in range(links.count())}
        assert any("/0.0.9/" in each for each in chosen)
