"""``agents skills check``: skills held against the standard; nothing of theirs is run."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace_cli._errors import WrongUseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headrace_skills.checking import Level, Report

__all__ = ["command"]

_COLOURS: dict[Level, str] = {"error": "red", "warning": "yellow", "note": "blue"}


@click.command("check")
@click.argument("places", nargs=-1, metavar="PATH|NAME...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--sarif", metavar="FILE", help="Write SARIF 2.1.0 to this file, or to - (stdout).")
@click.option("--strict", is_flag=True, help="Warnings fail the check, too.")
@click.option("--explain", metavar="RULE", help="Tell about a rule, and check nothing.")
def command(
    places: tuple[str, ...],
    as_json: bool,  # noqa: FBT001
    sarif: str | None,
    strict: bool,  # noqa: FBT001
    explain: str | None,
) -> None:
    """Check skills against the standard: every fault, its place, and how to mend it.

    A place is a skill's folder, a folder of skills, a zip or wheel that holds some, or the name
    of an installed skill.

    Exit codes: 0 no error, 1 an error (with --strict also a warning), 2 bad usage.
    """
    if explain is not None:
        click.echo(_explained(explain))
        return
    if not places:
        raise WrongUseError("there is nothing to check", then="agents skills check PATH|NAME")
    if as_json and sarif == "-":
        raise WrongUseError("--json and --sarif - both print to stdout; name a file for one")
    if sarif not in (None, "-"):
        from headrace_cli._files import check_output

        check_output(Path(str(sarif)), "--sarif")
    reports = list(_checked(places))
    if as_json:
        import json

        click.echo(json.dumps(_as_data(reports), indent=2))
    elif sarif != "-":
        _print(reports)
    if sarif is not None:
        _write_sarif(reports, sarif)
    worst = ("error", "warning") if strict else ("error",)
    if any(fault.level in worst for report in reports for fault in report.faults):
        click.get_current_context().exit(1)


def _checked(places: Sequence[str]) -> Iterator[Report]:
    from headrace_cli._skills import place_of
    from headrace_skills.checking import check_place

    for place in dict.fromkeys(places):
        # As it is typed, where it is a path: reports show it so.
        yield from check_place(place if Path(place).exists() else place_of(place))


def _explained(name: str) -> str:
    from headrace_skills.checking import RULES

    rule = RULES.get(name)
    if rule is None:
        from difflib import get_close_matches

        near = get_close_matches(name, RULES, 3, 0.4)
        raise WrongUseError(
            f"there is no rule {name!r}",
            why=f"nearest: {', '.join(near)}" if near else "",
            then=f"agents skills check --explain {near[0]}" if near else "",
        )
    whose = "the standard's" if rule.standard else "headrace's"
    lines = (
        f"{rule.id} ({rule.level}, {whose})",
        f"  what:  {rule.what}",
        f"  why:   {rule.why}",
        f"  mend:  {rule.mend}",
    )
    return "\n".join(lines)


def _print(reports: Sequence[Report]) -> None:
    from headrace_skills._text import one_line

    for report in reports:
        for file, faults in groupby(report.faults, key=lambda one: one.file):
            path = one_line(str(Path(report.place, file)), 400)
            for fault in faults:
                level = click.style(fault.level, fg=_COLOURS[fault.level])
                where = f"{path}:{fault.line}:{fault.column}"
                click.echo(f"{where}  {level}  {fault.rule}  {fault.message}")
                click.echo(f"    mend: {fault.mend}")
            click.echo()
    click.echo(_summary(reports))


def _summary(reports: Sequence[Report]) -> str:
    skills = f"{len(reports)} skill{'' if len(reports) == 1 else 's'} checked"
    totals = Counter(fault.level for report in reports for fault in report.faults)
    counts = [
        f"{totals[level]} {level}{'' if totals[level] == 1 else 's'}"
        for level in _COLOURS
        if totals[level]
    ]
    return f"{skills}: {', '.join(counts) or 'no fault'}"


def _as_data(reports: Sequence[Report]) -> dict[str, Any]:
    return {
        "skills": [
            {
                "name": report.name,
                "place": report.place,
                "valid": report.valid,
                "loads": report.loads,
                "faults": [
                    {
                        "file": fault.file,
                        "line": fault.line,
                        "column": fault.column,
                        "rule": fault.rule,
                        "level": fault.level,
                        "message": fault.message,
                        "mend": fault.mend,
                        "loads": fault.loads,
                    }
                    for fault in report.faults
                ],
            }
            for report in reports
        ],
        "errors": sum(report.count("error") for report in reports),
        "warnings": sum(report.count("warning") for report in reports),
        "notes": sum(report.count("note") for report in reports),
    }


def _write_sarif(reports: Sequence[Report], target: str) -> None:
    import json
    from importlib.metadata import version

    from headrace_cli._files import write_text
    from headrace_skills.checking import to_sarif

    log = to_sarif(reports, version("headrace-skills"))
    write_text(target, json.dumps(log, indent=2) + "\n")
