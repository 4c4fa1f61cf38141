"""Makes the pictures of the guide, in docs/pictures/.

.venv/bin/python tests/registry/pages/pictures.py
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PICTURES = HERE.parents[2] / "docs/pictures"
KEY = f"sha256:{'5f1c09d2a7be4638' * 4}"
MOST = 200_000


def main() -> None:
    sys.path.insert(0, str(HERE))
    from playwright.sync_api import sync_playwright
    from samples import ARGUMENTS, BROWSERS, shop, write_site

    program = next(filter(None, map(shutil.which, BROWSERS)))
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as driver:
        site = write_site(
            Path(temporary), *shop(), url="https://skills.example.com", fingerprint=KEY
        ).as_uri()
        browser = driver.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.goto(f"{site}/index.html")
        page.fill("#words", "log")
        page.wait_for_selector("#results h3 a")
        page.screenshot(path=PICTURES / "registry-search.png")
        page.set_viewport_size({"width": 1200, "height": 1100})
        page.goto(f"{site}/packages/skill-log-triage/index.html")
        page.screenshot(path=PICTURES / "registry-package.png")
        browser.close()
    for path in sorted(PICTURES.glob("registry-*.png")):
        size = path.stat().st_size
        assert size < MOST, f"{path} has {size} bytes"
        print(path.relative_to(HERE.parents[2]), size)


if __name__ == "__main__":
    main()
