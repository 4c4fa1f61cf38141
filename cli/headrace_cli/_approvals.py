"""Requests for somebody's decision, and decisions, in the files of a job."""

from __future__ import annotations

import getpass
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

from headrace_cli._errors import CommandError, WrongUseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headrace.approvals import ApprovalRequest, Decision

__all__ = ["Call", "Desk", "decide", "decision_options", "laid", "user"]

Function = TypeVar("Function", bound="Callable[..., Any]")


@dataclass(frozen=True, slots=True)
class Call:
    """A call that somebody was asked about."""

    request: ApprovalRequest
    """What was asked."""
    decision: Decision | None
    """What was said, as far as the decisions at hand tell."""
    state: Literal["waiting", "approved", "refused", "over"]
    """Where it stands; ``over``: nobody decided in time."""


class Desk:
    """What a job asks, and where decisions are laid for it.

    Args:
        requests: The file, or the folder of a Flink job, that holds requests.
        decisions: The file that decisions are added to, or the folder in which each gets a file.
    """

    def __init__(self, requests: Path, decisions: Path | None) -> None:
        self._requests = requests
        self._decisions = decisions

    @classmethod
    def of(cls, requests: str | None, decisions: str | None) -> Desk:
        """The desk of what was typed, else of the project here.

        Raises:
            WrongUseError: Neither says where requests are.
        """
        from headrace_cli._project import nearest_project

        project = nearest_project(Path.cwd())
        run = project.run
        found = Path(requests) if requests else None
        if found is None and run.approvals:
            found = project.folder / run.approvals
        if found is None:
            raise WrongUseError(
                "it is not said where the requests are",
                then="name the file of the job's --approvals, or put `approvals` into "
                "[tool.agents.run]",
            )
        to = Path(decisions) if decisions else None
        if to is None and run.input and run.input != "-" and requests is None:
            to = project.folder / run.input
        return cls(found, to)

    def calls(self, now: float) -> list[Call]:
        """All calls that were asked about, oldest first."""
        from headrace.approvals import ApprovalRequest, decision_of

        said: dict[str, Decision] = {}
        if self._decisions is not None and self._decisions.exists():
            for _, value in _lines(self._decisions, b"headrace.decision"):
                try:
                    decision = decision_of(value)
                except ValueError:
                    continue  # the job refuses it, with its place
                if decision is not None:
                    said.setdefault(decision.id, decision)
        found = {}
        if not self._requests.exists():
            raise CommandError(
                f"there are no requests at {self._requests}",
                why="no such file or folder",
                then="agents run with --approvals writes them",
            )
        for place, value in _lines(self._requests):
            try:
                request = ApprovalRequest.model_validate(value)
            except ValueError as error:
                raise CommandError(
                    "this is no request for a decision", where=place, why=_first(error)
                ) from None
            found[request.id] = _call(request, said.get(request.id), now)
        return sorted(found.values(), key=lambda call: call.request.asked)

    def lay(self, decisions: list[Decision]) -> Path:
        """Lays decisions where the job reads them; gives where that is.

        Raises:
            WrongUseError: It is not said where.
            CommandError: It cannot be written.
        """
        to = self._decisions
        if to is None:
            raise WrongUseError(
                "it is not said where decisions go",
                then="--to FILE: the job's input, or a folder that a --follow job reads",
            )
        return laid(to, f"decision-{decisions[0].id}", [one.as_input() for one in decisions])


def laid(to: Path, name: str, inputs: list[dict[str, Any]]) -> Path:
    """Adds inputs to where a job reads; gives the file that they are in.

    Args:
        to: The file that they are added to, or the folder in which they get one.
        name: The name of that one, without its end.
        inputs: The inputs.

    Raises:
        WrongUseError: No JSON can be added to the file.
        CommandError: It cannot be written.
    """
    text = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in inputs)
    try:
        if to.is_dir():
            # Whole at once, under a name that a reader of the folder takes up.
            path = to / f"{name}.jsonl"
            beside = to / f".{path.name}"
            beside.write_text(text, encoding="utf-8")
            beside.replace(path)
            return path
        if to.suffix in {".csv", ".txt"}:
            raise WrongUseError(f"{to} is no file of JSON lines", then="--to another FILE")
        _append(to, text)
    except OSError as error:
        raise CommandError(f"{to} cannot be written", why=str(error)) from error
    return to


def decision_options(function: Function) -> Function:
    """The options of the commands that decide."""
    for option in reversed(
        (
            click.argument("ids", nargs=-1, metavar="ID..."),
            click.option("--all", "everything", is_flag=True, help="All that wait."),
            click.option(
                "--requests", type=click.Path(), help="The file or folder of --approvals."
            ),
            click.option(
                "--to",
                "decisions",
                type=click.Path(),
                help="Where the job reads: its input, or a folder that it follows.",
            ),
            click.option("--note", default="", help="Why."),
            click.option("--by", default=None, help="Who decides. Default: your user's name."),
            click.option("--dry-run", is_flag=True, help="Show what would be decided."),
            click.option("--json", "as_json", is_flag=True, help="Print JSON."),
        )
    ):
        function = option(function)
    return function


def decide(
    *,
    approved: bool,
    ids: tuple[str, ...],
    everything: bool,
    requests: str | None,
    decisions: str | None,
    note: str,
    by: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Decides on calls, and tells what was decided."""
    from headrace.approvals import Decision

    if bool(ids) == everything:
        raise WrongUseError("name the calls by their ids, or all of them by --all")
    desk = Desk.of(requests, decisions)
    calls = desk.calls(time.time())
    waiting = [call for call in calls if call.state == "waiting"]
    chosen = waiting if everything else [_chosen(each, calls) for each in ids]
    by = user() if by is None else by
    made = [
        Decision(
            id=call.request.id, key_id=call.request.key_id, approved=approved, by=by, note=note
        )
        for call in chosen
    ]
    path = None if dry_run or not made else desk.lay(made)
    if as_json:
        click.echo(
            json.dumps(
                {
                    "decisions": [one.model_dump(mode="json") for one in made],
                    "written": None if path is None else str(path),
                },
                indent=2,
            )
        )
        return
    verb = "approved" if approved else "refused"
    for call in chosen:
        click.echo(f"{verb}: {call.request.id} ({call.request.tool})")
    if not made:
        click.echo("nothing waits for a decision", err=True)
    elif path is None:
        click.echo("nothing was written: --dry-run", err=True)
    else:
        click.echo(f"written to {path}", err=True)


def _chosen(text: str, calls: list[Call]) -> Call:
    near = [call for call in calls if call.request.id.startswith(text)]
    near = near or [call for call in calls if call.request.id.endswith(text)]
    if not near:
        raise CommandError(
            f"nothing was asked under the id {text}", then="agents approvals list --all"
        )
    if len(near) > 1:
        raise CommandError(f"{len(near)} requests have such an id", then="type more of it")
    [call] = near
    if call.state != "waiting":
        raise CommandError(
            f"the call {call.request.id} does not wait any more",
            why=f"it is {call.state}",
            then="agents approvals list --all",
        )
    return call


def _call(request: ApprovalRequest, decision: Decision | None, now: float) -> Call:
    if decision is not None:
        return Call(request, decision, "approved" if decision.approved else "refused")
    over = request.expires is not None and request.expires <= now
    return Call(request, None, "over" if over else "waiting")


def _lines(path: Path, mark: bytes = b"") -> Iterator[tuple[str, Any]]:
    """The JSON lines of a file, or of a folder's files, with their places.

    Args:
        path: The file or folder.
        mark: Lines without it are passed over, unread; with none, a line must be JSON.
    """
    files = [path]
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.is_file() and p.name[0] not in "._")
    for file in files:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if mark not in line or not line.strip():
                    continue
                try:
                    yield f"{file}:{number}", json.loads(line)
                except ValueError as error:
                    if not mark:
                        raise CommandError(
                            "this is no JSON", where=f"{file}:{number}", why=str(error)
                        ) from None


def _append(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(size - 1)
            if file.read(1) != b"\n":
                text = f"\n{text}"
        file.write(text.encode())


def _first(error: ValueError) -> str:
    return str(error).splitlines()[0]


def user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
