"""The pages of a registry, one after the other."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import unicodedata
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from headrace_registry.errors import SiteError
from headrace_registry.pages._search import search_script
from headrace_registry.pages._text import cut, day, size, visible
from headrace_registry.pages._views import count_kinds, entry_of, view_package
from headrace_registry.settings import INDEX, VENDOR, without_credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from jinja2 import Environment, FileSystemBytecodeCache
    from jinja2.bccache import Bucket

    from headrace_registry.catalogue import Catalogue, Package, Release, ReleaseSkill

__all__ = ["FRONT_PACKAGES", "PAGE_PACKAGES", "looks", "render"]

FRONT_PACKAGES = 24
"""How many packages the front page lists; where there are more, pages of their own list all."""
PAGE_PACKAGES = 100
"""How many packages each of those lists."""

_FOLDER = Path(__file__).parent
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_KEY = re.compile(r"sha256:[0-9a-f]{64}")


def render(
    catalogue: Catalogue,
    texts: Callable[[Package, Release, ReleaseSkill], str],
    *,
    url: str | None = None,
    fingerprint: str | None = None,
    only: Collection[str] | None = None,
) -> Iterator[tuple[str, bytes]]:
    """Makes the pages, the assets and the data of the search.

    A package's own page depends on the package, the texts of its skills and the registry's title,
    and on nothing else of the catalogue. So those of unchanged packages can be kept, as long as
    ``looks`` gives what ``assets/looks.txt`` of the site says.

    Args:
        catalogue: What the registry has.
        texts: Gives the text of a skill, without its frontmatter.
        url: Where the registry is, if that is known.
        fingerprint: That of its first root of trust, if it is signed.
        only: The packages whose pages are to be made anew; ``None``: all.

    Yields:
        The path of each file, seen from the site, and its bytes.

    Raises:
        SiteError: The name of a package is not normalised, or there twice.
    """
    _check_names(catalogue)
    if fingerprint is not None and not _KEY.fullmatch(fingerprint):
        raise SiteError(f"the fingerprint must be sha256: and 64 digits, and is {fingerprint!r}")
    yield from _lists(catalogue, _add_command(catalogue.title, url, fingerprint), fingerprint)
    yield "search.js", search_script(catalogue)
    for path in sorted((_FOLDER / "assets").iterdir()):
        yield f"assets/{path.name}", path.read_bytes()
    yield "assets/looks.txt", f"{looks(catalogue.title)}\n".encode()
    page = _templates().get_template("package.html")
    for package in catalogue.packages:
        if only is None or package.name in only:
            html = page.render(
                root="../../", title=catalogue.title, view=view_package(package, texts)
            )
            yield f"packages/{package.name}/index.html", html.encode()


def looks(title: str) -> str:
    """A digest of all that every page depends on: the templates, this code, the title."""
    digest = hashlib.sha256(repr(title).encode())
    for path in sorted(_FOLDER.rglob("*")):
        if path.suffix in {".py", ".html", ".css", ".js", ".svg"}:
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _check_names(catalogue: Catalogue) -> None:
    seen = set()
    for package in catalogue.packages:
        if not _NAME.fullmatch(package.name) or package.name in seen:
            what = "is there twice" if package.name in seen else "is not a normalised name"
            raise SiteError(f"no page is made: the package {package.name[:80]!r} {what}")
        seen.add(package.name)


def _lists(
    catalogue: Catalogue, command: str, fingerprint: str | None
) -> Iterator[tuple[str, bytes]]:
    entries = [entry_of(one) for one in catalogue.packages]
    parts = [entries[at : at + PAGE_PACKAGES] for at in range(0, len(entries), PAGE_PACKAGES)]
    there = [one for one in entries if one.release is not None]
    browse = parts if len(entries) > len(there[:FRONT_PACKAGES]) else []
    ranges = [(part[0].package.name, part[-1].package.name) for part in browse]
    shared = {"title": catalogue.title, "ranges": ranges}
    front = _templates().get_template("front.html")
    yield (
        "index.html",
        front.render(
            **shared,
            root="",
            entries=there[:FRONT_PACKAGES],
            packages=len(there),
            kinds=count_kinds(one.release for one in there if one.release),
            command=command,
            fingerprint=fingerprint,
        ).encode(),
    )
    page = _templates().get_template("browse.html")
    for number, part in enumerate(browse, 1):
        html = page.render(**shared, root="../../", number=number, entries=part)
        yield f"browse/{number}/index.html", html.encode()


def _add_command(title: str, url: str | None, fingerprint: str | None) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "-", plain)[:30].strip("-")
    if name in {"", INDEX, VENDOR}:
        name = "main"
    address = shlex.quote(without_credentials(url)) if url else "URL"
    key = f" --key {fingerprint}" if fingerprint else ""
    return f"agents registry add {name} {address}{key}"


@lru_cache(maxsize=1)
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    templates = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        bytecode_cache=_bytecode(),
    )
    templates.filters.update(
        cut=cut, day=day, size=size, quoted=lambda text: quote(text.encode("utf-8", "replace"), "")
    )
    return templates


def _bytecode() -> FileSystemBytecodeCache | None:
    """Where compiled templates are kept: compiling takes longer than a page does."""
    from jinja2 import FileSystemBytecodeCache

    from headrace.plugins._kept import cache_folder

    class Kept(FileSystemBytecodeCache):
        def dump_bytecode(self, bucket: Bucket) -> None:
            with suppress(OSError):  # a full disk costs time, and no pages
                super().dump_bytecode(bucket)

    try:
        folder = Path(cache_folder("templates"))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
    except (OSError, ValueError):
        return None
    # What is read from there is run: nobody else may write it.
    if found.st_uid != os.geteuid() or found.st_mode & 0o022 or not os.access(folder, os.W_OK):
        return None
    return Kept(str(folder))


def _shown(value: Any) -> Any:
    """What becomes of every value that a template writes; markup is left as it is."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return visible(value)
    return value
