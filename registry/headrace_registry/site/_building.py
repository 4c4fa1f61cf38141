"""A registry built, added to and changed: always a new site in the place of the old one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from headrace_registry.catalogue import Catalogue
from headrace_registry.errors import PublishError, WheelError
from headrace_registry.site import _merging
from headrace_registry.site._change import BuildReport, changing, files_of
from headrace_registry.site._checking import check_publishable
from headrace_registry.site._describing import describe, describe_all
from headrace_registry.site._simple import file_path
from headrace_registry.wheels import file_digest, wheel_name
from headrace_skills._text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from headrace_registry.site._change import Change
    from headrace_registry.trust import Signer

__all__ = ["build_site", "publish", "reserve", "sign_site", "yank"]

_REASON = 300  # characters


def build_site(
    wheels: Sequence[Path],
    site: Path,
    *,
    title: str | None = None,
    url: str | None = None,
    prune: bool = False,
    pages: bool | None = None,
    anew: bool = False,
    dry_run: bool = False,
    signer: Signer | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> BuildReport:
    """Makes a registry of wheels, or adds them to one; it is replaced whole, or stays as it was.

    Args:
        wheels: The wheels; those that the site has are not read again.
        site: Its folder, which need not be there.
        title: What its keeper calls it; as before if None.
        url: Where it will be served; as before if None.
        prune: Whether wheels go that the site has and that are not given.
        pages: Whether to make pages for people; as before if None, and True for a new site.
        anew: Whether to read all of its wheels again, and to make all pages again.
        dry_run: Whether to read and check all, and write nothing.
        signer: What signs it; a signed site needs one.
        progress: Told how many of the new wheels were read, and how many there are.

    Raises:
        WheelError: Some are no wheels, or wheels that no installer should be given.
        PublishError: A wheel is not taken, such as one whose name stands for other bytes.
        SiteError: The folder is no registry, or cannot be replaced.
        BusyError: Another command changes it.
    """
    with changing(site, signer, dry_run=dry_run) as change:
        before = change.before
        given = _digests(wheels)
        kept = {path.name for path in given}
        if anew:
            given = {**_own_wheels(change, kept if prune else None), **given}
        fresh = [one for one in given.items() if anew or not change.has(*one)]
        described = [change.as_before(one) for one in describe_all(fresh, progress)]
        after = _merging.added(Catalogue("", ()) if anew else before, described)
        if anew:
            after = _merging.marked_as(after, before)
        elif prune:
            after = _merging.pruned(after, kept)
        change.incoming = {
            one.file.filename: (path, one) for (path, _), one in zip(fresh, described, strict=True)
        }
        return change.make(replace(after, title=title or before.title), url, pages=pages, anew=anew)


def publish(
    wheel: Path,
    site: Path,
    *,
    accept: Collection[str] = (),
    dry_run: bool = False,
    signer: Signer | None = None,
) -> BuildReport:
    """Adds a wheel to a registry, if it is fit for one. What is there already stays as it is.

    Args:
        wheel: The file.
        site: The registry's folder.
        accept: Rules of the audit whose serious findings were looked at, and are taken.
        dry_run: Whether to check all and write nothing.
        signer: What signs it; a signed site needs one.

    Raises:
        WheelError: It is no wheel, or one that no installer should be given.
        PublishError: A skill is broken or not valid, a serious finding is not accepted, the
            version is there with other contents, or the name is reserved.
        SiteError: There is no registry, or it cannot be replaced.
        BusyError: Another command changes it.
    """
    with changing(site, signer, dry_run=dry_run, must_exist=True) as change:
        ((path, digest),) = _digests([wheel]).items()
        if change.has(path, digest):
            return change.nothing()
        described = describe(path, digest)
        after = _merging.added(change.before, [described])
        check_publishable(described, accept)
        change.incoming = {described.file.filename: (path, described)}
        return change.make(after)


def yank(
    site: Path,
    package: str,
    version: str,
    reason: str | None = None,
    *,
    undo: bool = False,
    dry_run: bool = False,
    signer: Signer | None = None,
) -> BuildReport:
    """Marks a version as not to be chosen any more (PEP 592), or takes that back.

    Raises:
        SiteError: There is no such version, no registry, or it cannot be replaced.
        BusyError: Another command changes it.
    """
    with changing(site, signer, dry_run=dry_run, must_exist=True) as change:
        why = None if undo else one_line(reason or "", _REASON)
        return change.make(_merging.yanked(change.before, package, version, why))


def reserve(
    site: Path,
    name: str,
    why: str | None = None,
    *,
    undo: bool = False,
    dry_run: bool = False,
    signer: Signer | None = None,
) -> BuildReport:
    """Keeps a name without versions, so that installers look nowhere else; or takes that back.

    Raises:
        SiteError: It is a package with versions, no registry, or it cannot be replaced.
        BusyError: Another command changes it.
    """
    with changing(site, signer, dry_run=dry_run, must_exist=True) as change:
        text = None if undo else one_line(why or "this name is not used", _REASON)
        return change.make(_merging.reserved(change.before, name, text))


def sign_site(site: Path, signer: Signer) -> BuildReport:
    """Signs a registry that did not change: before its signatures end, or after keys changed.

    Raises:
        SiteError: There is no registry, or it cannot be replaced.
        BusyError: Another command changes it.
    """
    with changing(site, signer, must_exist=True) as change:
        return change.make(change.before)


def _digests(wheels: Sequence[Path]) -> dict[Path, str]:
    """The wheels with their digests; one that is given twice counts once."""
    found: dict[Path, str] = {}
    by_name: dict[str, str] = {}
    wrong: list[str] = []
    for path in wheels:
        try:
            wheel_name(path.name)
            digest = file_digest(path)
        except WheelError as error:
            wrong.append(f"{path}: {error}")
            continue
        except OSError as error:
            wrong.append(f"{path}: cannot be read as a wheel: {error.strerror}")
            continue
        known = by_name.setdefault(path.name, digest)
        if known is digest:  # it is the first of that name
            found[path] = digest
        elif known != digest:
            raise PublishError(f"{path.name} was given twice, with different contents")
    if wrong:
        raise WheelError("\n".join(wrong))
    return found


def _own_wheels(change: Change, only: Collection[str] | None) -> dict[Path, str]:
    return {
        change.folder / file_path(package.name, file): file.sha256
        for package, file in files_of(change.before)
        if only is None or file.filename in only
    }
