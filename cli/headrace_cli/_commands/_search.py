"""Search in a project's registries; from the cache where that is young enough."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from headrace_cli._errors import CommandError

if TYPE_CHECKING:
    from headrace_registry.client import Hit, Snapshot
    from headrace_registry.settings import RegistrySettings

__all__ = ["search_command"]

YOUNG = 600.0
"""Seconds for which what a registry gave is not asked for again."""
_SHOWN = 72
_NAME = 40


def search_command(noun: Literal["skills", "plugins"]) -> click.Command:
    """The command ``search`` of a group."""

    @click.command("search")
    @click.argument("words", nargs=-1, required=True)
    @click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
    @click.option("--registry", metavar="NAME", help="Only in this registry.")
    @click.option("--refresh", is_flag=True, help="Ask the registries, however young the cache.")
    @click.option("--offline", is_flag=True, help="Use what is in the cache.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    def command(
        words: tuple[str, ...],
        limit: int,
        registry: str | None,
        refresh: bool,  # noqa: FBT001
        offline: bool,  # noqa: FBT001
        as_json: bool,  # noqa: FBT001
        kind: str | None = None,
    ) -> None:
        registries = _registries(registry)
        snapshots, notes = _snapshots(registries, refresh=refresh, offline=offline)
        _tell(snapshots, notes, " ".join(words), kind or noun, limit, as_json=as_json)

    command.help = (
        f"Find {noun} in the project's registries by what they do.\n\n"
        "What a registry gave in the last ten minutes is not asked for again."
    )
    if noun == "plugins":
        kind = click.Option(["--kind"], metavar="KIND", help="Only this kind, such as chat_models.")
        command.params.insert(1, kind)
    return command


def _registries(name: str | None) -> list[RegistrySettings]:
    """The project's registries, or the one that is asked for."""
    from headrace_cli._project import nearest_project

    known = nearest_project(Path.cwd()).settings().registries
    if not known:
        raise CommandError("this project has no registry", then="agents registry add NAME URL")
    found = [one for one in known if name in (None, one.name)]
    if not found:
        raise CommandError(
            f"this project has no registry {name!r}",
            why=f"it has {', '.join(one.name for one in known)}",
            then="agents registry list",
        )
    return found


def _snapshots(
    registries: list[RegistrySettings], *, refresh: bool, offline: bool
) -> tuple[list[Snapshot], list[str]]:
    """What there is to search in, and what should be told of it.

    A registry that is away is searched in the cache. One whose signatures are wrong is an error.
    """
    from headrace_registry.client import Store, recent

    found, notes = [], []
    lost: Exception | None = None
    for registry in registries:
        store = Store(registry)
        young = None if refresh or offline else recent(store, YOUNG)
        if young is not None:
            found.append(young)
            continue
        snapshot, note, error = _asked(registry, store, offline=offline)
        if snapshot is not None:
            found.append(snapshot)
        notes += [one for one in (note, *(snapshot.warnings if snapshot else ())) if one]
        lost = lost or error
    if not found and lost is not None:
        raise lost
    return found, notes


def _asked(
    registry: RegistrySettings, store: Any, *, offline: bool
) -> tuple[Snapshot | None, str, Exception | None]:
    """A registry as it is now; else as it was, with a note; else the error."""
    from headrace_registry.client import RegistryClient, recent
    from headrace_registry.errors import DownloadError
    from headrace_registry.http import Limits

    try:
        limits = Limits(connect=5, answer=15)  # somebody waits, and there may be a cache
        with RegistryClient(registry, offline=offline, limits=limits) as client:
            return client.refresh(), "", None
    except DownloadError as error:
        what = str(error).partition("\n")[0]
        state = store.state()
        snapshot = recent(store, float("inf"))
        if snapshot is None or state is None:
            return None, f"{what}; not searched", error
        return snapshot, f"{what}; searched as it was {_ago(state.age)} ago", None


def _tell(
    snapshots: list[Snapshot],
    notes: list[str],
    words: str,
    kind: str,
    limit: int,
    *,
    as_json: bool,
) -> None:
    from headrace_registry.searching import nearest_names, search

    hits = search(snapshots, words, kind=kind, limit=limit)
    near = [] if hits else nearest_names(snapshots, words, kind=kind)
    if as_json:
        import json

        data = {"results": [_as_data(one) for one in hits], "nearest": near, "notes": notes}
        click.echo(json.dumps(data, indent=2))
        return
    _show(hits, near, words)
    for note in notes:
        click.echo(f"note: {note}", err=True)


def _show(hits: list[Hit], near: list[str], words: str) -> None:
    from headrace_cli._tables import table
    from headrace_skills._text import one_line

    if not hits:
        meant = f"; did you mean {', '.join(one_line(name, _NAME) for name in near)}?"
        click.echo(f"nothing is found for {words!r}{meant if near else ''}")
        return
    rows = [
        (
            one_line(one.name, _NAME),
            one_line(one.version, _NAME),
            one.registry,
            one_line(one.kind, _NAME),
            one_line(one.description, _SHOWN),
        )
        for one in hits
    ]
    click.echo(table(("NAME", "VERSION", "REGISTRY", "KIND", "DESCRIPTION"), rows))


def _as_data(hit: Hit) -> dict[str, Any]:
    return {
        "name": hit.name,
        "version": hit.version,
        "registry": hit.registry,
        "kind": hit.kind,
        "package": hit.package,
        "description": hit.description,
        "score": round(hit.score, 4),
    }


def _ago(seconds: float) -> str:
    """A time span in one unit."""
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length:.0f} {unit}"
    return f"{seconds:.0f} s"
