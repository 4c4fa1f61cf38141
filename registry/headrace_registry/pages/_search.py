"""What the search of the front page searches: ``search.js``, a script that holds data only.

A page that was opened from a folder may load a script and nothing else.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from headrace_registry.pages._text import cut, kind_label, visible
from headrace_registry.pages._views import other_plugins

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from headrace_registry.catalogue import Catalogue, Package, Release

__all__ = ["Item", "search_script"]

SHOWN = 200
"""Characters of a description that a result shows; its other words are only searched."""
WORDS = 1_500
"""The most characters of such words."""
FORM = 1
"""The version of the data's form, which the script that reads it checks."""
_WORD = re.compile(r"\w+")

Item = tuple[str, int, int, str, str, int]
"""Name, kind, package (both as places in their lists), text, other words, number of the skill."""


def search_script(catalogue: Catalogue) -> bytes:
    """The script, in ASCII, and such that nothing in it can end a script element."""
    kinds: dict[str, int] = {}
    packages: list[tuple[str, str, int]] = []
    items: list[Item] = []
    for package in catalogue.packages:
        release = package.newest
        flag = 0 if release else 2 if package.reserved is not None else 1
        packages.append((package.name, cut(visible(release.version), 40) if release else "", flag))
        place = len(packages) - 1
        for kind, name, text, more, number in _found(package, release):
            shown = cut(visible(" ".join(text.split())), SHOWN)
            words = _others(f"{name} {package.name} {shown}", f"{text} {more}")
            number_of_kind = kinds.setdefault(kind, len(kinds))
            items.append(
                (cut(visible(name), 100), number_of_kind, place, shown, words, number),
            )
    items.sort(key=lambda item: (item[0].casefold(), item))
    data = {
        "form": FORM,
        "kinds": [(kind, kind_label(kind)) for kind in kinds],
        "packages": packages,
        "items": [_without_empty_end(item) for item in items],
    }
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f"self.headraceRegistry={text};\n".encode("ascii")


def _found(package: Package, release: Release | None) -> Iterator[tuple[str, str, str, str, int]]:
    """What is found of a package: kind, name, description, further text, the skill's number."""
    if release is None:
        why = package.reserved
        if why is None:
            why = package.releases[0].summary if package.releases else ""
        yield "", package.name, why, "", 0
        return
    keywords = " ".join(release.keywords)
    for number, skill in enumerate(release.skills, 1):
        yield "skills", skill.name, skill.description, f"{release.summary} {keywords}", number
    others = other_plugins(release)
    for one in others:
        yield one.kind, one.name, release.summary, keywords, 0
    if not others and not release.skills:
        yield "", package.name, release.summary, keywords, 0


def _others(shown: str, text: str) -> str:
    """The words of the text that are not shown, each once, in their order."""
    seen = set(_words(shown))
    others = list(dict.fromkeys(word for word in _words(text) if word not in seen))
    return cut(" ".join(others), WORDS)


def _words(text: str) -> Iterable[str]:
    return _WORD.findall(visible(text).casefold())


def _without_empty_end(item: Item) -> list[str | int]:
    values: list[str | int] = list(item)
    while not values[-1]:
        values.pop()
    return values
