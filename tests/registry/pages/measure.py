"""Measures the pages of a registry with 10,000 skills.

    .venv/bin/python tests/registry/pages/measure.py [SKILLS]

Prints JSON: seconds to make the pages, their sizes, milliseconds of 50 searches in Chromium.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

HERE = Path(__file__).parent


def main() -> None:
    sys.path.insert(0, str(HERE))
    from playwright.sync_api import sync_playwright
    from samples import ARGUMENTS, BROWSERS, big, queries, search_times, write_site

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    program = next(filter(None, map(shutil.which, BROWSERS)))
    catalogue, texts = big(count)
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as driver:
        folder = Path(temporary)
        start = time.perf_counter()
        write_site(folder, catalogue, texts)
        whole = time.perf_counter() - start
        start = time.perf_counter()
        write_site(folder, catalogue, texts, only={catalogue.packages[0].name})
        one = time.perf_counter() - start
        browser = driver.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        page = browser.new_page()
        page.goto(f"{folder.as_uri()}/index.html")
        start = time.perf_counter()
        page.fill("#words", "log")
        page.wait_for_selector("#results h3 a")
        first = time.perf_counter() - start
        times = search_times(page, queries())
        browser.close()
        print(
            json.dumps(
                {
                    "skills": count,
                    "render_s": round(whole, 2),
                    "render_one_s": round(one, 2),
                    "front_bytes": (folder / "index.html").stat().st_size,
                    "search_js_bytes": (folder / "search.js").stat().st_size,
                    "package_page_bytes": median(
                        one.stat().st_size for one in folder.glob("packages/*/index.html")
                    ),
                    "first_search_ms": round(first * 1000),
                    "search_ms_median": round(median(times), 1),
                    "search_ms_worst": round(max(times), 1),
                },
                indent=2,
            )
        )


if __name__ == "__main__":
    main()
