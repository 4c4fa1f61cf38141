"""Packages: what installs them, what they are called, and what they are taken for."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from headrace_skills.audit._hits import Seen
from headrace_skills.audit._table import made, names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from headrace_skills.audit._hits import Hit
    from headrace_skills.audit._sources import Source

__all__ = ["DISTRIBUTIONS", "installed_by", "looks_like", "normal", "read_requirements"]

Odd = tuple[str, str]
"""A rule, and what is filled in."""

_POPULAR = names("popular-packages")
_OWN_NAMES = frozenset(
    ("request", "jinja", "boto", "pytest-rich", "torchx")
)  # packages of their own
DISTRIBUTIONS = {
    "yaml": "pyyaml",
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "dotenv": "python-dotenv",
    "dateutil": "python-dateutil",
    "sklearn": "scikit-learn",
    "cv2": "opencv-python",
    "docx": "python-docx",
    "pptx": "python-pptx",
    "fitz": "pymupdf",
    "jwt": "pyjwt",
    "psycopg2": "psycopg2-binary",
    "google": "google-api-core",
    "git": "gitpython",
    "Crypto": "pycryptodome",
    "serial": "pyserial",
    "attr": "attrs",
    "OpenSSL": "pyopenssl",
}
"""What the distributions of modules are called, where it is not the module's name."""

_INSTALLERS = {
    "pip": ("install",),
    "pip3": ("install",),
    "pipx": ("install", "run"),
    "npm": ("install", "i", "add", "exec"),
    "pnpm": ("install", "i", "add", "dlx"),
    "yarn": ("add", "dlx"),
    "bun": ("add",),
    "gem": ("install",),
    "cargo": ("install",),
    "go": ("install",),
    "brew": ("install",),
    "apt": ("install",),
    "apt-get": ("install",),
    "dnf": ("install",),
    "apk": ("add",),
    "conda": ("install",),
    "poetry": ("add",),
}
_WITH_VALUE = frozenset(
    (
        "-r",
        "-c",
        "-e",
        "-i",
        "-t",
        "--index-url",
        "--extra-index-url",
        "--requirement",
        "--trusted-host",
        "--constraint",
        "--target",
        "--prefix",
        "--registry",
        "--python",
        "-f",
        "--find-links",
    )
)
_ADDRESS = re.compile(r"(?:git\+|https?://|git@|git://|github:)")
_NAME = re.compile(r"(?P<name>@?[A-Za-z0-9][\w./-]*)")
_MIN_LOOK = 5


def normal(name: str) -> str:
    """The name of a package in its normal form."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed_by(name: str, words: Sequence[str]) -> Iterator[tuple[str, Odd | None]]:
    """The packages that a command installs, each with what is odd about it."""
    rest = list(words)
    if name.startswith("python") and rest[:2] == ["-m", "pip"]:
        name, rest = "pip", rest[2:]
    if name == "uv" and rest[:1] == ["pip"]:
        name, rest = "pip", rest[1:]
    elif name == "uv" and rest[:1] == ["add"]:
        name, rest = "pip", ["install", *rest[1:]]
    if name in ("npx", "uvx", "bunx"):
        named = [one for one in rest if not one.startswith("-")][:1]
    elif name in _INSTALLERS and rest and rest[0] in _INSTALLERS[name]:
        named = list(_arguments(rest[1:]))
    else:
        named = []
    for one in named:
        if one.startswith((".", "/", "$")) and "://" not in one:
            continue
        yield _judged(one)


def _arguments(words: Iterable[str]) -> Iterator[str]:
    skip = False
    for one in words:
        if skip:
            skip = False
        elif one.startswith("-"):
            skip = one in _WITH_VALUE
        elif not one.startswith((">", "<", "|", "#", "&")):
            yield one


def _judged(package: str) -> tuple[str, Odd | None]:
    if _ADDRESS.match(package):
        pinned = re.search(r"@[0-9a-f]{40}\b|#sha256=", package)
        return package[:120], None if pinned else ("supply/from-address", "")
    match = _NAME.match(package)
    name = match["name"] if match else package[:60]
    if "@" in name[1:]:
        name = name[: name.index("@", 1)]
    like = looks_like(name)
    if like:
        return name, ("supply/look-alike", like)
    return name, None


def looks_like(name: str) -> str | None:
    """The well-known package that a name is taken for; ``None`` where it is none's."""
    name = normal(name)
    if name in _POPULAR or name in _OWN_NAMES or len(name) < _MIN_LOOK:
        return None
    swapped = {name[:n] + name[n + 1] + name[n] + name[n + 2 :] for n in range(len(name) - 1)}
    doubled = {name[:n] + name[n + 1 :] for n in range(len(name))}
    for one in sorted(_POPULAR):
        if len(one) < _MIN_LOOK:
            continue
        dropped = name in {one[:n] + one[n + 1 :] for n in range(len(one))}
        # A letter more is often a name of its own (requests-x): it counts where it is a double.
        double = (
            one in doubled
            and any(a == b for a, b in pairwise(name))
            and (not any(a == b for a, b in pairwise(one)))
        )
        if one in swapped or double or (dropped and len(one) > _MIN_LOOK + 1):
            return one
    return None


def read_requirements(source: Source) -> Iterator[Hit | Seen]:
    """Packages of a requirements file."""
    name = source.file.rpartition("/")[2].lower()
    if source.role != "file" or not (
        name.startswith("requirements") and name.endswith((".txt", ".in"))
    ):
        return
    offset = 0
    for line in source.text.split("\n"):
        said = line.partition(" #")[0].strip()
        if said and not said.startswith(("#", "-")):
            package, odd = _judged(said.partition(" @ ")[2] or said)
            yield Seen("installs", package, offset)
            if odd:
                yield made(odd[0], offset, offset + len(line), odd[1])
        offset += len(line) + 1
