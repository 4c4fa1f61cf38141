"""Builds the documentation site: a folder for each version, and the list of them.

``./dev docs [--version V] [--output DIR] [--base PATH]``. What was built before stays: the versions
are those that have a folder. Links inside of the docs, and names of the code that pages mention,
are checked: one that leads nowhere fails the build.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from packaging.version import InvalidVersion, Version
from sphinx.cmd.build import main as sphinx_build

ROOT = Path(__file__).resolve().parents[2]
START = "docs/site/index.html"
LEADING = """<!doctype html>
<meta charset="utf-8">
<title>headrace</title>
<meta http-equiv="refresh" content="0; url={0}">
<a href="{0}">{0}</a>
"""


def build(version: str, output: Path, base: str = "/") -> int:
    """Builds a version's pages; nothing is changed where they cannot be built.

    Args:
        version: Its name: a release, or ``dev``.
        output: The folder of all versions.
        base: The path that the folder has on its server, where the list of versions is looked for.

    Returns:
        The exit code: 0, or what Sphinx ended with.
    """
    output.mkdir(parents=True, exist_ok=True)
    os.environ |= {"HEADRACE_DOCS_VERSION": version, "HEADRACE_DOCS_BASE": base}
    with tempfile.TemporaryDirectory(dir=output, prefix=".building-") as made:
        pages = Path(made) / "pages"
        options = ["-q", "-W", "--keep-going", "-d", f"{made}/trees", "-c", str(ROOT / "docs/site")]
        if code := sphinx_build([*options, str(ROOT), str(pages)]):
            return code
        (pages / "index.html").write_text(LEADING.format(START), encoding="utf-8")
        shutil.rmtree(output / version, ignore_errors=True)
        pages.rename(output / version)
    versions = versions_in(output)
    listed = [{"name": each, "version": each, "url": f"{base}{each}/"} for each in versions]
    (output / "versions.json").write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8")
    (output / "index.html").write_text(LEADING.format(f"{versions[0]}/{START}"), encoding="utf-8")
    return 0


def versions_in(output: Path) -> list[str]:
    """The versions that are there: releases first, the newest before older ones."""

    def newest_last(name: str) -> tuple[bool, Version]:
        try:
            return True, Version(name)
        except InvalidVersion:
            return False, Version("0")

    found = (path.name for path in output.iterdir() if (path / START).is_file())
    return sorted(found, key=newest_last, reverse=True)


def main() -> None:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(description="Builds the documentation site.")
    parser.add_argument("--version", default="dev", help="the version's name (dev)")
    parser.add_argument("--output", type=Path, default=ROOT / "build/docs", help="build/docs")
    parser.add_argument("--base", default="/", help="its path on the server (/)")
    given = parser.parse_args()
    if code := build(given.version, given.output, given.base):
        sys.exit(code)
    print(given.output / "index.html")


if __name__ == "__main__":
    main()
