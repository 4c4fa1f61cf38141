"""``agents inspect``: what is in a job's zip, and what differs between two."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace_cli._commands.registry._keeping import json_output, progress
from headrace_cli._commands.verify import keys_for, signed_by, size, zip_keys
from headrace_cli._errors import WrongUseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headrace.plan import AgentPlan
    from headrace_registry.bundle.inspecting import Inspected

__all__ = ["command"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_LONGEST, _CELL = 300, 60  # characters of a line, and of a cell
_BLANKS = re.compile(r"( +)")
_DIFFERENCES = 200  # that are printed
_SECTIONS = ("plan", "packages", "files", "skills")


@click.command("inspect")
@click.argument("path", type=_FILE, metavar="JOB.zip")
@click.option("--plan", is_flag=True, help="The agents' plans, whole.")
@click.option("--packages", is_flag=True, help="Every package, the engine's too.")
@click.option("--files", is_flag=True, help="Every file.")
@click.option("--skills", is_flag=True, help="The skills, and what they may do.")
@click.option("--sbom", is_flag=True, help="The bill of materials (CycloneDX), as it is.")
@click.option("--diff", "other", type=_FILE, metavar="OTHER.zip", help="What differs in OTHER.")
@click.option("--no-verify", is_flag=True, help="Show what it says of itself, right or wrong.")
@zip_keys
@json_output
def command(
    path: Path,
    sbom: bool,  # noqa: FBT001
    other: Path | None,
    no_verify: bool,  # noqa: FBT001
    keys: tuple[str, ...],
    as_json: bool,  # noqa: FBT001
    **asked: bool,
) -> None:
    """Show what is in a job's zip: agents, packages, skills and grants, secrets, sizes.

    It is verified first, since a stranger's zip can say anything of itself. Nothing of it is
    unpacked or run. With --json, --files adds the list of files.
    """
    sections = [name for name in _SECTIONS if asked[name]]
    if sum((sbom, other is not None, bool(sections))) > 1 or (sbom and as_json):
        raise WrongUseError("--sbom and --diff show one thing each: ask for the rest apart")
    if other is not None:
        _print_difference(path, other, as_json=as_json)
        return
    from headrace_registry.bundle.inspecting import inspect_zip

    with progress("verifying") as moved:
        found = inspect_zip(path, keys=keys_for(keys), verify=not no_verify, progress=moved)
    if sbom:
        _print_sbom(found)
    elif as_json:
        import json

        click.echo(json.dumps(_as_data(found, files=asked["files"]), indent=2))
    else:
        _print_page(found, sections)


def _print_difference(path: Path, other: Path, *, as_json: bool) -> None:
    from headrace_registry.bundle.inspecting import difference

    lines = difference(path, other)
    if as_json:
        import json

        data = {"old": str(path), "new": str(other), "differences": lines}
        click.echo(json.dumps(data, indent=2))
        return
    for line in lines[:_DIFFERENCES]:
        click.echo(line)
    if len(lines) > _DIFFERENCES:
        click.echo(f"and {len(lines) - _DIFFERENCES:,} more (--json has all of them)")
    if not lines:
        click.echo("nothing differs")


def _print_sbom(found: Inspected) -> None:
    import json

    if not sys.stdout.isatty():
        click.echo(found.sbom, nl=False)
        return
    # A terminal would obey what a stranger put between the lines.
    try:
        click.echo(json.dumps(json.loads(found.sbom), indent=1, sort_keys=True))
    except (ValueError, RecursionError):
        raise click.ClickException("its bill of materials is no JSON") from None


def _print_page(found: Inspected, sections: Sequence[str]) -> None:
    pages = {"plan": _plans, "packages": _all_packages, "files": _files, "skills": _skills}
    shown = [line for name in sections for line in pages[name](found)]
    for line in shown if sections else _overview(found):
        click.echo(_harmless(line))


def _overview(found: Inspected) -> Iterator[str]:
    manifest = found.manifest
    engine = manifest.engine
    yield f"job {manifest.name}: {found.path}"
    yield f"digest:    sha256:{found.digest}"
    yield f"verified:  {'yes' if found.verified else 'NO (--no-verify): all of this may be wrong'}"
    yield f"signed:    {signed_by(found.signer, trusted=found.trusted)}"
    yield f"for:       Python {manifest.python} on {manifest.platform}"
    yield f"engine:    {engine.distribution} {engine.version}, {engine.mode}"
    yield f"runs:      {manifest.pipeline or 'its agent, over files'}"
    parts = ", ".join(f"{name} {size(count)}" for name, count in found.parts.items() if count)
    yield f"size:      {size(found.size)} in {len(found.files):,} files: {parts}"
    state = ", ".join(
        f"{name} in {one.shards} shards (uid {one.uid})"
        for name, one in manifest.state.agents.items()
    )
    yield f"state:     {state or 'none'}"
    for name, value in manifest.settings.items():
        yield f"setting:   {name} = {value}"
    for one in found.notes:
        yield f"note:      {one}"
    for plan in found.plans.values():
        yield from _agent(plan)
    yield from _packages(found)
    yield from _skills(found)
    yield from _jars(found)
    yield from _secrets(found)


def _agent(plan: AgentPlan) -> Iterator[str]:
    yield ""
    yield f"agent {plan.name}" + (f": {plan.description}" if plan.description else "")
    for action in plan.actions.values():
        events = ", ".join(one.event for one in action.triggers)
        yield f"  action {action.name}: on {events}"
    for kind, some in plan.resource_providers.items():
        for one in some.values():
            brought = f"{one.distribution} {one.version}" if one.distribution else one.target
            yield f"  {kind} {one.name}: {brought or 'part of the plan'}"


def _packages(found: Inspected) -> Iterator[str]:
    own = [one for one in found.manifest.packages if not one.engine]
    engine = len(found.manifest.packages) - len(own)
    yield ""
    more = f", and {engine} of the engine (--packages)" if engine else ""
    yield f"{_count(len(own), 'package')}{more}"
    yield from _package_table(found, everything=False)


def _all_packages(found: Inspected) -> Iterator[str]:
    return _package_table(found, everything=True)


def _package_table(found: Inspected, *, everything: bool) -> Iterator[str]:
    rows = [
        (
            f"{one.name} {one.version}",
            size(one.size),
            one.license or "not said",
            one.origin,
            f"{one.why} ({one.trimmed} files left out)" if one.trimmed else one.why,
        )
        for one in found.manifest.packages
        if everything or not one.engine
    ]
    yield from _table(("PACKAGE", "SIZE", "LICENCE", "FROM", "WHY"), rows)


def _skills(found: Inspected) -> Iterator[str]:
    yield ""
    rows = [
        (
            one.name,
            one.origin,
            ", ".join(one.network) or "-",
            ", ".join(one.environment) or "-",
            ", ".join(one.commands) or "-",
        )
        for one in found.manifest.skills
    ]
    yield _count(len(rows), "skill") if rows else "no skills"
    yield from _table(("SKILL", "FROM", "MAY REACH", "SEES", "RUNS"), rows)


def _jars(found: Inspected) -> Iterator[str]:
    sizes = {one.path: one.packed for one in found.files}
    if found.manifest.jars:
        yield ""
        yield "connectors"
    for name in found.manifest.jars:
        yield f"  {name}  {size(sizes.get(name, 0))}"


def _secrets(found: Inspected) -> Iterator[str]:
    yield ""
    if not found.manifest.secrets:
        yield "no secrets have to be given"
        return
    yield "secrets to be given where it runs (environment, or files: HEADRACE_SECRETS)"
    yield from (f"  {one.name}: {one.used_by}" for one in found.manifest.secrets)


def _plans(found: Inspected) -> Iterator[str]:
    from headrace_cli._rendering import tree

    for plan in found.plans.values():
        yield from tree(plan).split("\n")


def _files(found: Inspected) -> Iterator[str]:
    rows = [
        (size(one.packed), size(one.size), "x" if one.executable else "-", one.path)
        for one in found.files
    ]
    yield from _table(("PACKED", "SIZE", "RUNS", "FILE"), rows)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    from headrace_cli._tables import table
    from headrace_skills._text import one_line

    if rows:
        clean = [
            [*(one_line(one, _CELL) for one in row[:-1]), one_line(row[-1], _LONGEST)]
            for row in rows
        ]
        yield from table(header, clean).split("\n")


def _harmless(line: str) -> str:
    """A line with a stranger's words, without what a terminal would obey; its blanks are kept."""
    from headrace_skills._text import one_line

    pieces = _BLANKS.split(line)
    return "".join(one if _BLANKS.fullmatch(one) else one_line(one, _LONGEST) for one in pieces)


def _as_data(found: Inspected, *, files: bool) -> dict[str, Any]:
    import json
    from dataclasses import asdict

    data: dict[str, Any] = {
        "path": str(found.path),
        "digest": f"sha256:{found.digest}",
        "size": found.size,
        "verified": found.verified,
        "signer": found.signer,
        "trusted": found.trusted,
        "notes": list(found.notes),
        "parts": dict(found.parts),
        "manifest": json.loads(found.manifest.to_json()),
        "plans": {name: one.model_dump(mode="json") for name, one in found.plans.items()},
    }
    if files:
        data["files"] = [asdict(one) for one in found.files]
    return data
