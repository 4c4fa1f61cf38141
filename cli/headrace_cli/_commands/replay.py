"""``agents replay``: recorded runs run again, offline, and what differs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace_cli._errors import CommandError, WrongUseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from headrace.plan import AgentPlan
    from headrace.recording import Recorded
    from headrace.replaying import Report, Rules
    from headrace_cli._targets import Target

__all__ = ["command"]

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_MODES = ("recorded", "changed", "all")
_COLOURS = {"+": "green", "-": "red", "@": "cyan"}
_DIFFERENCE = 4  # blanks before the lines of a difference


@click.command("replay")
@click.argument("recording", type=_FILE)
@click.argument("target", required=False)
@click.option("--param", "parameters", multiple=True, metavar="NAME=VALUE", help="A parameter.")
@click.option("--model", metavar="NAME", help="Short for --param model=NAME.")
@click.option(
    "-f",
    "--file",
    "files",
    multiple=True,
    metavar="FILE.yaml",
    help="A YAML file read together with the agent's, such as its connections; repeat.",
)
@click.option("--run", "runs", multiple=True, metavar="ID", help="Only this run; its beginning do.")
@click.option("--key", "keys", multiple=True, metavar="KEY", help="Only the runs of this key.")
@click.option(
    "--ask",
    type=click.Choice(_MODES),
    default="recorded",
    help="Ask models: never (the default), where the request was not recorded, or always.",
)
@click.option(
    "--call",
    "calls",
    multiple=True,
    metavar="NAME[=MODE]",
    help="The same for a tool, function or memory; MODE is by default changed. * is a pattern.",
)
@click.option("--exit-code", is_flag=True, help="Exit with 1 where something differs, for CI.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    recording: Path,
    target: str | None,
    runs: tuple[str, ...],
    keys: tuple[str, ...],
    **typed: Any,
) -> None:
    """Run recorded runs again, and show what differs.

    RECORDING is what `agents run --record` wrote. TARGET is the agent as it is now, as for
    `agents run`; without it, the project's here. Each run has the input and the memory that it had,
    and each call the outcome that was recorded: nothing is called, unless you say so.
    """
    from headrace.replaying import Report, Rules, Summary
    from headrace_cli._parameters import agent_parameters

    rules = Rules(typed["ask"], _modes(typed["calls"]))
    parameters = agent_parameters(typed["parameters"], typed["model"])
    loaded = _target(target, parameters, typed["files"])
    report = Report([], Summary())
    others: set[str] = set()

    def chosen(recorded: Recorded) -> bool:
        wanted = _wanted(recorded, runs, keys)
        if wanted and recorded.plan.identity != loaded.plan.identity:
            others.add(recorded.plan.name)
        return wanted

    _replay(report, (recording, loaded.plan, rules, chosen), as_json=typed["as_json"])
    if not report.summary.runs:
        what = "such run" if runs or keys else "run"
        raise CommandError(f"there is no {what} in the recording", where=str(recording))
    report.notes += [f"no call was named {name}" for name in sorted(rules.unused)]
    report.notes += [f"the recording is of the agent {name}" for name in sorted(others)]
    if typed["as_json"]:
        click.echo(json.dumps(report.as_dict(), indent=2))
    else:
        for note in report.notes:
            click.echo(f"note: {note}", err=True)
        click.echo(report.summary.as_text())
    if typed["exit_code"] and (report.summary.changed or report.summary.failed):
        click.get_current_context().exit(1)


def _replay(
    report: Report,
    asked: tuple[Path, AgentPlan, Rules, Callable[[Recorded], bool]],
    *,
    as_json: bool,
) -> None:
    """Runs the runs; what differs is shown as it is found."""
    from headrace.replaying import lines_of, replay_each

    recording, plan, rules, chosen = asked
    for difference in replay_each(recording, plan, rules=rules, select=chosen):
        report.summary.count(difference)
        if as_json:
            report.runs.append(difference)
        elif difference.verdict != "same":
            for line in lines_of(difference):
                click.echo(_coloured(line))


def _target(text: str | None, parameters: Mapping[str, str], files: Sequence[str]) -> Target:
    from headrace_cli._importing import FORMS
    from headrace_cli._project import nearest_project
    from headrace_cli._targets import load_target

    if text is None:
        project = nearest_project(Path.cwd())
        if project.agent is None:
            raise WrongUseError("it is not said which agent is to run", then=f"TARGET is {FORMS}")
        text = str(project.folder)
    if text.endswith(".zip"):
        raise WrongUseError(
            f"{text} is a job's zip, which runs in a process of its own",
            then="name the agent that it was built from",
        )
    return load_target(text, parameters, files)


def _modes(texts: Iterable[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, mode = text.rpartition("=")
        if not equals:
            name, mode = text, "changed"
        if not name or mode not in _MODES:
            raise WrongUseError(
                f"--call {text!r} is not NAME or NAME=MODE", then=f"MODE is {', '.join(_MODES)}"
            )
        found[name] = mode
    return found


def _wanted(recorded: Recorded, runs: tuple[str, ...], keys: tuple[str, ...]) -> bool:
    from headrace.recording import plain

    run = recorded.run
    if runs and not any(run.run.startswith(one) for one in runs):
        return False
    if not keys:
        return True
    key = plain(run.key)
    return (key if isinstance(key, str) else json.dumps(key)) in keys


def _coloured(line: str) -> str:
    """A line of a difference in colours, which click leaves out where it is no terminal."""
    inner = line[_DIFFERENCE:] if line[:_DIFFERENCE].isspace() else ""
    colour = _COLOURS.get(inner[:1])
    if colour is not None:
        return click.style(line, fg=colour)
    return click.style(line, bold=True) if not line[:1].isspace() else line
