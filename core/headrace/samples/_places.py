"""Where samples are put: a file each, whole or not at all, and what plugins do with them."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from headrace.samples.settings import SampleSettings

__all__ = ["Places", "job_folder"]

_HOUR, _DAY = 3600.0, 86_400.0
_TIDY_EVERY = 100  # samples between two looks at what is to be thrown away
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}\Z")
_LEFT = 600.0  # seconds after which half a sample is nobody's any more


def job_folder(folder: Path, identity: str) -> Path:
    """The folder of a job's samples."""
    from headrace.eventlog._files import safe_name

    return folder / safe_name(identity)


class Places:
    """The folder of a job's samples, and the plugins that are given each.

    A sample's file has its run's id for a name. So a run that is run again replaces its sample, and
    many workers write into one folder without knowing of each other.

    Args:
        settings: How many, and for how long.
        folder: The job's folder; ``None``: there is none.
    """

    def __init__(self, settings: SampleSettings, folder: Path | None) -> None:
        self._settings = settings
        self._folder = folder
        self._times: deque[float] = deque()
        self._sinks: Sequence[tuple[str, Callable[[dict[str, Any]], None]]] = ()
        self._since_tidy = 0

    def open(self) -> Iterator[str]:
        """Gets ready: finds the plugins, counts what was put aside lately; tells what is wrong."""
        if self._settings.sinks:
            from headrace.samples._sinks import sinks

            self._sinks, faults = sinks(self._settings.sinks)
            yield from faults
        if self._folder is not None:
            now = time.time()
            with suppress(OSError):
                self._tidy(now)
                times = sorted(changed for _, changed in self._files())
                self._times.extend(one for one in times if one > now - _DAY)

    def room(self, run: str, now: float) -> bool:
        """Whether a sample may be put aside now, or is there and may be replaced."""
        while self._times and self._times[0] <= now - _DAY:
            self._times.popleft()
        said = self._settings
        if said.per_day is not None and len(self._times) >= said.per_day:
            return self._there(run)
        if said.per_hour is not None:
            of_hour = sum(one > now - _HOUR for one in self._times)
            if of_hour >= said.per_hour:
                return self._there(run)
        return True

    def put(self, run: str, sample: dict[str, Any]) -> Iterator[str]:
        """Puts a sample aside; tells what went wrong."""
        there = self._there(run)
        if self._folder is not None:
            try:
                self._write(self._folder, run, sample)
            except (OSError, ValueError) as error:
                yield getattr(error, "strerror", None) or str(error)
                return
        if not there:
            self._times.append(time.time())
        for name, take in self._sinks:
            try:
                take(sample)
            except Exception as error:  # noqa: BLE001 - a sink never harms the job
                yield f"the sink {name}: {type(error).__name__}: {error}"
        self._since_tidy += 1
        if self._folder is not None and self._since_tidy >= min(_TIDY_EVERY, self._settings.keep):
            with suppress(OSError):
                self._tidy(time.time())

    def close(self) -> None:
        """Throws away what is too much."""
        with suppress(OSError):
            self._tidy(time.time())

    def _there(self, run: str) -> bool:
        return self._folder is not None and (self._folder / f"{run}.json").exists()

    @staticmethod
    def _write(folder: Path, run: str, sample: dict[str, Any]) -> None:
        """Writes under another name first: nobody sees half a sample."""
        if not _NAME.match(run):
            raise ValueError(f"{run!r} is no name of a file")
        text = json.dumps(sample, ensure_ascii=False, separators=(",", ":")) + "\n"
        folder.mkdir(parents=True, exist_ok=True)
        beside = folder / f".{run}.{os.getpid()}-{threading.get_ident()}.part"
        try:
            how = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
            with os.fdopen(os.open(beside, how, 0o600), "wb") as file:
                file.write(text.encode("utf-8", "replace"))
            beside.replace(folder / f"{run}.json")
        except OSError:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            raise

    # ------------------------------------------------------------ what goes again
    def _files(self) -> Iterator[tuple[Path, float]]:
        if self._folder is None or not self._folder.is_dir():
            return
        for path in self._folder.glob("*.json"):
            try:
                yield path, path.stat().st_mtime
            except FileNotFoundError:  # another worker threw it away
                continue

    def _tidy(self, now: float) -> None:
        """Throws away samples that are too many or too old, and what killed workers left."""
        self._since_tidy = 0
        if self._folder is None:
            return
        files = sorted(self._files(), key=lambda one: one[1])
        many, days = len(files) - self._settings.keep, self._settings.keep_days
        for number, (path, changed) in enumerate(files):
            if number < many or (days is not None and changed < now - days * _DAY):
                path.unlink(missing_ok=True)
        for path in self._folder.glob(".*.part"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < now - _LEFT:
                    path.unlink()
