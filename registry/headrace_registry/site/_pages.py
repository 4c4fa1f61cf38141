"""The pages for people, which ``headrace_registry.pages`` makes, and the texts they show."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from headrace_registry._wheel_archive import open_wheel
from headrace_registry.errors import SiteError, WheelError
from headrace_registry.site._simple import file_path
from headrace_skills._frontmatter import parse_document
from headrace_skills.errors import SkillFormatError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from headrace_registry.catalogue import Catalogue, Package, Release, ReleaseSkill

__all__ = ["FRONT", "are_current", "pages_of", "skill_text"]

FRONT = "index.html"
"""The first page: a site that has none has no pages."""
_LOOKS = "assets/looks.txt"
_MAX_SKILL_FILE = 1024 * 1024


def are_current(site: Path, title: str) -> bool:
    """Whether a site's pages were made by the templates that are installed, under this title."""
    from headrace_registry.pages import looks

    try:
        return (site / _LOOKS).read_text(encoding="utf-8").strip() == looks(title)
    except (OSError, UnicodeDecodeError):
        return False


def pages_of(
    catalogue: Catalogue,
    where: Callable[[str], Path],
    *,
    url: str | None = None,
    fingerprint: str | None = None,
    only: Collection[str] | None = None,
) -> Iterator[tuple[str, bytes]]:
    """The pages of a site, by their paths in it.

    Args:
        catalogue: What the site has.
        where: Gives the place of a wheel, by its path in the site.
        url: Where it will be served.
        fingerprint: That of its root of trust.
        only: The packages whose own pages changed; all if None.

    Raises:
        SiteError: What makes pages is not installed.
    """
    try:
        from headrace_registry.pages import render
    except ModuleNotFoundError as error:
        if find_spec(error.name or "") is not None:  # it is there, and a part of it is not
            raise
        raise SiteError(
            f"pages for people need {error.name}, which is not installed\n"
            "  next: pip install 'headrace-registry[publish]', or leave the pages out (--no-pages)"
        ) from None

    def text(package: Package, release: Release, skill: ReleaseSkill) -> str:
        return skill_text(where(file_path(package.name, release.files[0])), skill)

    yield from render(catalogue, text, url=url, fingerprint=fingerprint, only=only)


def skill_text(wheel: Path, skill: ReleaseSkill) -> str:
    """What a skill's SKILL.md says after its frontmatter; nothing where it cannot be read."""
    try:
        with open_wheel(wheel) as archive:
            data = archive.read(f"{skill.path}/SKILL.md", _MAX_SKILL_FILE)
            data = data or archive.read(f"{skill.path}/skill.md", _MAX_SKILL_FILE)
        return parse_document(data or b"").body
    except (WheelError, SkillFormatError):
        return ""
