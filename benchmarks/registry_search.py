"""Searching a registry of 10,000 skills: in the command, as a whole command, and in its page."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from figures import Figure, alternating

__all__ = ["measure"]

HERE = Path(__file__).parent
SAMPLES = HERE.parent / "tests" / "registry" / "pages"
REQUESTS = ("audit the database", "triage an incident", "the", "write release notes", "kafka lag")
PROJECT = """
[project]
name = "customer"
version = "0"

[tool.agents.registries.big]
url = "{url}"
unsigned = true
"""


def measure(*, quick: bool) -> list[Figure]:
    """All of it; the page only where there is a Chromium."""
    sys.path.insert(0, str(SAMPLES))
    from samples import big

    count = 1_000 if quick else 10_000
    catalogue, texts = big(count)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        site = folder / "site"
        site.mkdir()
        (site / "catalogue.json").write_bytes(catalogue.as_json())
        os.environ["HEADRACE_CACHE_DIR"] = str(folder / "cache")
        told = f"search in {count:,} skills"
        figures = [*_in_process(told, site), *_commands(told, folder, site)]
        return [*figures, *_in_the_page(told, folder / "pages", catalogue, texts)]


def _in_process(told: str, site: Path) -> list[Figure]:
    from headrace_registry.client import RegistryClient
    from headrace_registry.searching import search
    from headrace_registry.settings import RegistrySettings

    with RegistryClient(RegistrySettings("big", site.as_uri(), None)) as client:
        snapshot = client.refresh()
    took = []
    for _ in range(9):
        for words in REQUESTS:
            began = time.perf_counter()
            search([snapshot], words)
            took.append((time.perf_counter() - began) * 1000)
    return [Figure(told, median(took), "ms", "50 ms", 50, 1, higher_is_better=False)]


def _commands(told: str, folder: Path, site: Path) -> list[Figure]:
    (folder / "pyproject.toml").write_text(PROJECT.format(url=site.as_uri()))
    agents = str(Path(sys.executable).with_name("agents"))
    bytecode = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}

    def seconds(*arguments: str) -> float:
        began = time.perf_counter()
        subprocess.run(
            [agents, *arguments],
            cwd=folder,
            env={**os.environ, **bytecode},
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return time.perf_counter() - began

    seconds("skills", "search", "log")
    took, rounds = alternating(
        9,
        {
            "help": lambda: seconds("--help"),
            "search": lambda: seconds("skills", "search", "triage an incident"),
        },
    )
    return [
        Figure(
            f"`agents skills search`, {told.rpartition('in ')[2]}",
            took["search"] * 1000,
            "ms",
            "`agents --help`, ms",
            took["help"] * 1000,
            None,
            higher_is_better=False,
            rounds=rounds,
        )
    ]


def _in_the_page(told: str, folder: Path, catalogue: object, texts: object) -> list[Figure]:
    from samples import ARGUMENTS, BROWSERS, queries, search_times, write_site

    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        return []
    from playwright.sync_api import sync_playwright

    folder.mkdir()
    write_site(folder, catalogue, texts, only=())
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        page = browser.new_page()
        page.goto(f"{folder.as_uri()}/index.html")
        page.fill("#words", "log")
        page.wait_for_selector("#results h3 a")
        times = search_times(page, queries())
        browser.close()
    name = f"{told}, in the page, layout included"
    return [Figure(name, median(times), "ms", "100 ms", 100, 1, higher_is_better=False)]
