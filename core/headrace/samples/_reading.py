"""The samples and verdicts of a folder, read; and a verdict added. What is no sample is left out.

A person's verdicts are one file, to which lines are added: ``FOLDER/JOB/verdicts/WHO.jsonl``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from headrace.samples._verdicts import LAST, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "Judged",
    "Sample",
    "add_verdict",
    "latest",
    "read_sample",
    "samples_in",
    "verdicts_in",
]

MAX_SAMPLE = 64 * 2**20
"""Bytes of a sample that is read, at most."""
_MAX_LINE = 256 * 1024
_VERDICTS = "verdicts"
_HALVES = re.compile(rb"\\u[dD][89a-fA-F]")  # of a character: they are none by themselves


class Sample(BaseModel):
    """A run that was put aside. Times are in seconds since the epoch."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    v: int
    """The version of this form."""
    id: str = Field(max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    """The run's id, as in the event log."""
    job: str
    """The job's identity."""
    agent: str
    """The agent."""
    plan: str = ""
    """The digest of its plan."""
    versions: dict[str, str] = Field(default_factory=dict)
    """The distributions that its plan was made with."""
    key: Any = None
    """The run's key."""
    key_id: str
    """The key as a text."""
    time: float = Field(ge=0, le=LAST)
    """When the run ended."""
    duration: float = 0.0
    """How long it took, in seconds."""
    models: tuple[str, ...] = ()
    """The models that answered."""
    usage: dict[str, float] = Field(default_factory=dict)
    """What they have cost: ``input_tokens``, ``output_tokens``, ``cost``."""
    input: Any = None
    """What came in."""
    outputs: list[Any] = Field(default_factory=list)
    """What left."""
    records: list[dict[str, Any]] = Field(default_factory=list)
    """What happened, as in the event log: calls of models and tools, and more where that is on."""
    cut: dict[str, int] = Field(default_factory=dict)
    """What was left out, counted."""


class Judged(BaseModel):
    """A sample with what was said of it."""

    model_config = ConfigDict(frozen=True)

    sample: Sample
    """The sample."""
    verdicts: tuple[Verdict, ...] = ()
    """The latest verdict of each person, the newest last."""

    @property
    def said(self) -> str:
        """What they say: ``good``, ``bad``, ``disputed`` where they disagree; empty: nobody did."""
        said = {one.verdict for one in self.verdicts}
        return "disputed" if len(said) > 1 else next(iter(said), "")


def samples_in(folder: Path) -> Iterator[tuple[Path, Sample | str]]:
    """The samples below a folder, each with its file; a text says why one cannot be read."""
    for path in sorted(folder.rglob("*.json")):
        if not path.name.startswith(".") and path.is_file():
            try:
                yield path, read_sample(path)
            except (OSError, ValueError) as error:
                yield path, str(error).splitlines()[0]


def read_sample(path: Path) -> Sample:
    """A sample's file.

    Raises:
        OSError: It cannot be read.
        ValueError: It holds no sample.
    """
    with path.open("rb") as file:
        content = file.read(MAX_SAMPLE + 1)
    if len(content) > MAX_SAMPLE:
        raise ValueError("it is too large")
    try:
        found = json.loads(content, parse_constant=_none)
        if _HALVES.search(content):
            json.dumps(found, ensure_ascii=False).encode()  # raises, where no terminal can show it
        return Sample.model_validate(found)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValidationError as error:
        raise ValueError(f"it is no sample: {error.errors()[0]['msg']}") from None
    except ValueError as error:
        raise ValueError(f"it is no sample: {error}") from None


def _none(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def verdicts_in(folder: Path) -> tuple[list[Verdict], int]:
    """All verdicts below a folder, in the order of time, and how many lines are none."""
    found: list[Verdict] = []
    wrong = 0
    for path in sorted(folder.rglob(f"{_VERDICTS}/*.jsonl")):
        with path.open("rb") as file:
            while line := file.readline(_MAX_LINE):
                try:
                    found.append(Verdict.model_validate_json(line))
                except ValueError:
                    wrong += bool(line.strip())
    return sorted(found, key=lambda one: one.time), wrong


def latest(verdicts: list[Verdict]) -> dict[str, tuple[Verdict, ...]]:
    """By sample, the latest verdict of each person."""
    by_person: dict[tuple[str, str, str], Verdict] = {}
    for one in verdicts:
        place = (one.job, one.sample, one.by)
        by_person.pop(place, None)
        by_person[place] = one
    found: dict[str, tuple[Verdict, ...]] = {}
    for one in by_person.values():
        found[one.sample] = (*found.get(one.sample, ()), one)
    return found


def add_verdict(job_folder: Path, verdict: Verdict) -> Path:
    """Adds a verdict to its person's file, in one go; gives the file.

    Raises:
        OSError: It cannot be written.
    """
    from headrace.eventlog._files import safe_name

    # Two people whose names look alike in a file's name have a file each.
    digest = hashlib.blake2b(verdict.by.encode("utf-8", "replace"), digest_size=4).hexdigest()
    path = job_folder / _VERDICTS / f"{safe_name(verdict.by)}-{digest}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    line = verdict.model_dump_json().encode() + b"\n"
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line  # half a line of a process that was killed
        if os.write(descriptor, line) != len(line):
            os.ftruncate(descriptor, size)
            raise OSError("the disk is full")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return path
