"""``agents skills audit``: what a skill does, and what in it to look at; nothing of it is run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace_cli._errors import WrongUseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headrace_skills.audit import AuditReport, Fact, Finding, Rules, Severity

__all__ = ["command"]

_SEVERITIES = ("info", "low", "medium", "high", "critical")
_COLOURS = {"critical": "red", "high": "red", "medium": "yellow", "low": "blue", "info": "blue"}
_NOTE = (
    "Finding nothing proves nothing: the audit does not see intent, plain words that it has no "
    "rule for, or what comes later from the network. Read the skill, and run it in the sandbox."
)
_SHOWN = 200  # characters of a path


@click.command("audit")
@click.argument("places", nargs=-1, metavar="PATH|NAME...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--sarif", metavar="FILE", help="Write SARIF 2.1.0 to this file, or to - (stdout).")
@click.option(
    "--min-severity",
    type=click.Choice(_SEVERITIES),
    default="low",
    show_default=True,
    help="Show findings of this severity and above.",
)
@click.option(
    "--fail-on",
    type=click.Choice((*_SEVERITIES, "never")),
    default="high",
    show_default=True,
    help="Exit with 1 where there is a finding of this severity or above.",
)
def command(
    places: tuple[str, ...],
    as_json: bool,  # noqa: FBT001
    sarif: str | None,
    min_severity: str,
    fail_on: str,
) -> None:
    """Read skills before they are run: what they do, and what a person should look at.

    A place is a skill's folder, a folder of skills, a zip or wheel that holds some, or the name
    of an installed skill. Nothing of a skill is run.

    Exit codes: 0 no finding of --fail-on or above, 1 there is one, 2 bad usage.
    """
    if not places:
        raise WrongUseError("there is nothing to audit", then="agents skills audit PATH|NAME")
    if as_json and sarif == "-":
        raise WrongUseError("--json and --sarif - both print to stdout; name a file for one")
    if sarif not in (None, "-"):
        from headrace_cli._files import check_output

        check_output(Path(str(sarif)), "--sarif")
    from headrace_skills.audit import Severity

    reports = list(_audited(places, _rules()))
    least = Severity.of(min_severity)
    if as_json:
        import json

        click.echo(json.dumps(_as_data(reports, least, fail_on), indent=2))
    elif sarif != "-":
        _print(reports, least)
    if sarif is not None:
        _write_sarif(reports, least, sarif)
    if _has_failed(reports, fail_on):
        click.get_current_context().exit(1)


def _rules() -> Rules:
    from headrace_cli._project import nearest_project
    from headrace_skills.audit import rules_with_plugins

    rules, faults = rules_with_plugins(nearest_project(Path.cwd()).plugins())
    for fault in faults:
        click.echo(f"warning: the audit goes on without rules of a plugin: {fault}", err=True)
    return rules


def _audited(places: Sequence[str], rules: Rules) -> Iterator[AuditReport]:
    from headrace_cli._skills import place_of
    from headrace_skills.audit import audit_place

    for place in dict.fromkeys(places):
        yield from audit_place(place if Path(place).exists() else place_of(place), rules)


def _has_failed(reports: Sequence[AuditReport], fail_on: str) -> bool:
    from headrace_skills.audit import Severity

    if fail_on == "never":
        return False
    least = Severity.of(fail_on)
    return any(report.at_least(least) for report in reports)


def _print(reports: Sequence[AuditReport], least: Severity) -> None:
    for report in reports:
        files = f"{report.files} file{'' if report.files == 1 else 's'}"
        click.echo(click.style(report.name, bold=True) + f"  {_path(report.root)}  {files}")
        for line in _fact_lines(report.facts):
            click.echo(f"  {line}")
        for finding in report.at_least(least):
            click.echo()
            for line in _finding_lines(finding):
                click.echo(f"  {line}")
        for file, why in report.unread:
            click.echo(f"  not read: {_path(file)}: {why}")
        click.echo()
    click.echo(_summary(reports, least))
    click.echo(_NOTE)


def _path(path: object) -> str:
    from headrace_skills._text import one_line

    return one_line(str(path), _SHOWN)


def _fact_lines(facts: Sequence[Fact]) -> list[str]:
    from headrace_cli._tables import table

    if not facts:
        return ["it was seen to run, reach, install, read and write nothing"]
    said = {True: "declared", False: "not declared", None: ""}
    rows = [(one.kind, _path(one.value), _where(one), said[one.declared]) for one in facts]
    return table(("IT", "WHAT", "SEEN FIRST AT", ""), rows).splitlines()


def _where(one: Fact | Finding) -> str:
    column = getattr(one, "column", 0)
    place = f"{one.file}:{one.line}" if one.line else one.file
    return f"{place}:{column}" if column else place


def _finding_lines(finding: Finding) -> Iterator[str]:
    label = finding.severity.label
    yield f"{click.style(label, fg=_COLOURS[label])}  {finding.rule}  {_where(finding)}"
    under = f" (under {', '.join(finding.decoded)})" if finding.decoded else ""
    yield f"    {finding.reason}{under}"
    if finding.excerpt:
        yield f"    | {finding.excerpt}"


def _summary(reports: Sequence[AuditReport], least: Severity) -> str:
    totals = Counter(one.severity.label for report in reports for one in report.findings)
    counts = [f"{totals[label]} {label}" for label in reversed(_SEVERITIES) if totals[label]]
    hidden = sum(len(one.findings) - len(one.at_least(least)) for one in reports)
    skills = f"{len(reports)} skill{'' if len(reports) == 1 else 's'} audited"
    more = f" ({hidden} below {least.label} not shown)" if hidden else ""
    return f"{skills}: {', '.join(counts) or 'no finding'}{more}"


def _as_data(reports: Sequence[AuditReport], least: Severity, fail_on: str) -> dict[str, Any]:
    return {
        "skills": [_shortened(report, least).as_data() for report in reports],
        "fail_on": fail_on,
        "failed": _has_failed(reports, fail_on),
        "note": _NOTE,
    }


def _shortened(report: AuditReport, least: Severity) -> AuditReport:
    from dataclasses import replace

    return replace(report, findings=report.at_least(least))


def _write_sarif(reports: Sequence[AuditReport], least: Severity, target: str) -> None:
    import json
    from importlib.metadata import version

    from headrace_cli._files import write_text
    from headrace_skills.audit import to_sarif

    log = to_sarif([_shortened(one, least) for one in reports], version("headrace-skills"))
    write_text(target, json.dumps(log, indent=2) + "\n")
