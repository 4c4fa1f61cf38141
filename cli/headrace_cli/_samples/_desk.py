"""The samples of a project, what was said of them, and a place for what is said now."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace.samples import (
    FedVerdict,
    Judged,
    Sample,
    Verdict,
    add_verdict,
    latest,
    samples_in,
    verdicts_in,
)
from headrace_cli._errors import CommandError, WrongUseError
from headrace_cli._logs._shown import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Desk"]

_SHOWN = 3


class Desk:
    """Samples, and where verdicts go.

    Args:
        folder: The folder of the samples.
        feed: Where verdicts are laid for the agent; ``None``: nowhere.
    """

    def __init__(self, folder: Path, feed: Path | None = None) -> None:
        self.folder = folder
        self.feed = feed
        self._files: dict[tuple[str, str], Path] = {}

    @classmethod
    def of(cls, folder: Path | None, feed: Path | None = None) -> Desk:
        """The desk of what was typed, else of the project here.

        Raises:
            WrongUseError: Neither says where samples are.
        """
        from headrace_cli._project import nearest_project

        project = nearest_project(Path.cwd())
        said = project.runtime.get("samples.folder")
        if folder is None and isinstance(said, str):
            folder = project.folder / said
            if feed is None and project.feed is not None:
                feed = project.folder / project.feed
        if folder is None:
            raise WrongUseError(
                "it is not said where the samples are",
                why="no folder is named, and [tool.agents.samples] has none",
                then="give the folder by --folder",
            )
        return cls(folder, feed)

    def judged(self, *, gone: bool = False) -> list[Judged]:
        """All samples with what was said of them, the newest last.

        Args:
            gone: Also samples that were thrown away, as far as their verdicts tell of them.

        Raises:
            CommandError: There is no such folder.
        """
        if not self.folder.is_dir():
            raise CommandError(
                f"there are no samples at {self.folder}",
                why="there is no such folder",
                then="a job with the setting samples.folder makes it: agents run",
            )
        said, wrong = verdicts_in(self.folder)
        by_sample = latest(said)
        found, broken = list[Judged](), list[str]()
        for path, sample in samples_in(self.folder):
            if isinstance(sample, str):
                broken.append(f"{path.name}: {sample}")
                continue
            self._files[sample.job, sample.id] = path
            found.append(Judged(sample=sample, verdicts=by_sample.get(sample.id, ())))
        if gone:
            there = {one.sample.id for one in found}
            found += [
                Judged(sample=_remembered(people[0]), verdicts=people)
                for sample_id, people in by_sample.items()
                if sample_id not in there
            ]
        _warn(broken, "files are no samples and left out")
        _warn([""] * wrong, "lines of verdicts are damaged and left out")
        return sorted(found, key=lambda one: one.sample.time)

    def one(self, text: str, among: Iterable[Judged]) -> Judged:
        """The sample of an id, or of its beginning.

        Raises:
            CommandError: There is none, or there are several.
        """
        near = [one for one in among if one.sample.id.startswith(text)]
        exact = [one for one in near if one.sample.id == text] or near
        if not exact:
            raise CommandError(f"there is no sample {text!r}", then="agents samples list")
        if len(exact) > 1:
            raise CommandError(f"{len(exact)} samples begin with {text!r}", then="type more of it")
        return exact[0]

    def judge(
        self, sample: Sample, verdict: str, by: str, note: str = "", labels: tuple[str, ...] = ()
    ) -> tuple[Verdict, Path | None]:
        """Keeps a verdict, and lays it for the agent where that is wanted.

        Returns:
            The verdict, and the file in which the agent finds it.

        Raises:
            WrongUseError: It is no verdict.
            CommandError: It cannot be written.
        """
        from pydantic import ValidationError

        try:
            made = Verdict.model_validate(
                {
                    "sample": sample.id,
                    "verdict": verdict,
                    "by": by,
                    "note": note,
                    "labels": labels,
                    "time": time.time(),
                    "job": sample.job,
                    "agent": sample.agent,
                    "key_id": sample.key_id,
                    "models": sample.models,
                    "sampled": sample.time,
                }
            )
        except ValidationError as error:
            found = error.errors()[0]
            place = ".".join(str(part) for part in found["loc"])
            raise WrongUseError(f"this is no verdict: {place}: {found['msg']}") from None
        folder = self._files[sample.job, sample.id].parent
        try:
            add_verdict(folder, made)
        except OSError as error:
            raise CommandError("the verdict cannot be kept", why=str(error)) from error
        return made, self._lay(sample, made)

    def _lay(self, sample: Sample, made: Verdict) -> Path | None:
        if self.feed is None:
            return None
        from headrace_cli._approvals import laid

        value: dict[str, Any] = FedVerdict(
            **made.model_dump(), input=sample.input, outputs=sample.outputs
        ).as_input()
        return laid(self.feed, f"verdict-{made.sample}-{time.time_ns()}", [value])


def _remembered(verdict: Verdict) -> Sample:
    """What a verdict tells of its sample."""
    return Sample(
        v=1,
        id=verdict.sample,
        job=verdict.job,
        agent=verdict.agent,
        key=verdict.key,
        key_id=verdict.key_id,
        time=verdict.sampled,
        models=verdict.models,
    )


def _warn(broken: list[str], what: str) -> None:
    if broken:
        places = ", ".join(map(plain, filter(None, broken[:_SHOWN])))
        text = f"{len(broken):,} {what}" + (f" ({places})" if places else "")
        click.echo(f"{click.style('warning:', fg='yellow')} {text}", err=True)
