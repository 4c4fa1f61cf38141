"""Reads a recording, line by line. Who wrote it is not known: everything is checked."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from headrace.errors import HeadraceError
from headrace.plan import AgentPlan
from headrace.recording._format import (
    FORMAT,
    MAX_DEPTH,
    MAX_LINE,
    RecordingError,
    RunRecord,
    check_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Recorded", "read_recording"]

_CHECK = re.compile(rb'\{"check":"([0-9a-f]{32})",')


@dataclass(frozen=True, slots=True)
class Recorded:
    """A run of a recording."""

    run: RunRecord
    plan: AgentPlan
    """The agent that it is of."""
    place: str
    """Where it stands: file and line."""


def read_recording(path: Path) -> Iterator[Recorded]:
    """The runs of a recording, read one after the other.

    Raises:
        RecordingError: A line is cut, was changed, or is none of a recording; the text names it.
            What stands before it was given.
        OSError: The file cannot be read.
    """
    plans: dict[str, AgentPlan] = {}
    with path.open("rb") as file:
        for number, line in enumerate(_lines(file, path), 1):
            place = f"{path}:{number}"
            found = _content(line, place)
            if "plan" in found:
                plan = _checked(AgentPlan, found["plan"], place)
                plans[plan.digest] = plan
                continue
            run = _checked(RunRecord, found["run"], place)
            if run.plan not in plans:
                raise RecordingError(
                    f"{place}: the agent of this run (plan {run.plan[:12]}) does not stand above it"
                )
            for at, call in enumerate(run.calls):
                if call.inside is not None and call.inside >= at:
                    raise RecordingError(f"{place}: calls.{at}.inside: is not before it")
            yield Recorded(run, plans[run.plan], place)


def _lines(file: IO[bytes], path: Path) -> Iterator[bytes]:
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise RecordingError(f"{path}:{number}: the line is longer than {MAX_LINE >> 20} MiB")
        yield line


def _content(line: bytes, place: str) -> dict[str, Any]:
    if not line.endswith(b"\n"):
        raise RecordingError(f"{place}: the line is cut: its end is missing")
    check = _CHECK.match(line)
    if check is None:
        raise RecordingError(f"{place}: this is no line of a recording")
    if check_of(line[check.end() : -1]) != check[1]:
        raise RecordingError(f"{place}: the line was changed after it was written")
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RecordingError(f"{place}: this is no JSON: {_first(error)}") from None
    if deeper(found, MAX_DEPTH):
        raise RecordingError(f"{place}: it is nested deeper than {MAX_DEPTH}")
    version = found.get("format")
    if type(version) is not int or not 1 <= version <= FORMAT:
        raise RecordingError(
            f"{place}: the recording has format {version!r}; headrace-core here reads formats 1 to "
            f"{FORMAT}"
        )
    if found.keys() not in ({"check", "format", "plan"}, {"check", "format", "run"}):
        raise RecordingError(f"{place}: it is neither a plan nor a run")
    return dict(found)


def _checked(kind: type[Any], data: Any, place: str) -> Any:
    try:
        found: BaseModel = kind.model_validate(data)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)[:5]
        )
        raise RecordingError(f"{place}: {faults}") from None
    except (HeadraceError, RecursionError) as error:
        raise RecordingError(f"{place}: {_first(error)}") from None
    return found


def deeper(value: Any, limit: int) -> bool:
    """Whether JSON is nested deeper than a limit; it takes no stack itself."""
    level = [value]
    for _ in range(limit):
        below: list[Any] = []
        for one in level:
            if type(one) is dict:
                below += one.values()
            elif type(one) is list:
                below += one
        if not below:
            return False
        level = below
    return True


def _first(error: Exception) -> str:
    return str(error).partition("\n")[0]
