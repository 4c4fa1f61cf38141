#!/usr/bin/env python3
# /// script
# requires-python = ">=3.10"
# dependencies = ["packaging>=24"]
# ///
"""Tells whether a version has a known fault: advisories.py PRODUCT VERSION."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

ADVISORIES = Path(__file__).parent.parent / "references" / "advisories.json"


def main() -> None:
    """Prints what is known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("product")
    parser.add_argument("version", type=Version)
    given = parser.parse_args()
    for one in json.loads(ADVISORIES.read_text(encoding="utf-8")):
        if one["product"] == given.product.lower() and given.version in SpecifierSet(
            one["versions"]
        ):
            found = {"affected": True, "fault": one["fault"], "mended_in": one["mended_in"]}
            break
    else:
        found = {"affected": False}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
