"""What stands in the target of an export, and the manifest that tells which of it is ours."""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from headrace_skills.errors import SkillError
from headrace_skills.packing import PackingError
from headrace_skills.packing._contents import as_digest
from headrace_skills.packing._naming import check_folder_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "ABSENT",
    "MANIFEST",
    "Entry",
    "ExportError",
    "locked",
    "read_manifest",
    "real_folder",
    "staging",
    "state_of",
    "write_manifest",
]

MANIFEST = ".headrace-export.json"
"""The file in the target that tells what was exported."""
ABSENT = "absent"
"""The state of a place where there is nothing."""

_MAX_MANIFEST = 4 * 1024**2
_STATE = re.compile(r"link:.+|copy:sha256:[0-9a-f]{64}", re.DOTALL)
_STAGING = re.compile(r"\.headrace-[0-9a-f]{16}")


class ExportError(SkillError):
    """Nothing was exported: the target, or what its manifest says, is not to be trusted."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What the manifest says of one name."""

    distribution: str
    version: str
    state: str
    """``link:TEXT`` or ``copy:DIGEST``, as ``state_of`` tells it."""
    was: str | None = None
    """What it was, while it is being replaced."""

    @property
    def source(self) -> str:
        return f"{self.distribution} {self.version}"

    @property
    def how(self) -> Literal["link", "copy"]:
        return "link" if self.state.startswith("link:") else "copy"


def real_folder(target: Path) -> Path:
    """Resolve the target.

    Raises:
        ExportError: It seems to be in the working folder and is not, or it is no folder.
    """
    here = Path.cwd()
    plain = Path(os.path.normpath(here / target))
    real = Path(os.path.realpath(here / target))
    if plain.is_relative_to(here) and not real.is_relative_to(here.resolve()):
        raise ExportError(
            f"{target} is, or is below, a link that leads out of this folder, to {real}\n"
            f"    if that is what you want, name it: --to {real}"
        )
    if real.exists() and not real.is_dir():
        raise ExportError(f"{target} is not a folder")
    return real


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other exports to a folder waiting, and clear up what a killed one left."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        for name in os.listdir(folder):  # noqa: PTH208 - names are what is asked
            if _STAGING.fullmatch(name):
                shutil.rmtree(folder / name, ignore_errors=True)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def staging(target: Path) -> Iterator[Path]:
    """Give a folder in the target that is gone afterwards, with all that is in it."""
    folder = target / f".headrace-{secrets.token_hex(8)}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def state_of(place: Path, *, known: bool) -> str:
    """Tell what stands in a place, in the manifest's words; what is no export is ``other``."""
    if not os.path.lexists(place):
        return ABSENT
    if not known:
        return "other"  # and is not read
    try:
        if place.is_symlink():
            return f"link:{place.readlink()}"
        return f"copy:{as_digest(_all_files(place))}"
    except (OSError, ValueError):
        return "other"


def _all_files(folder: Path) -> Iterator[tuple[str, bool, bytes]]:
    """Read all that is in a folder, and not only what is a skill's.

    Raises:
        ValueError: There is more than files and folders in it.
        OSError: It is no folder, or cannot be read.
    """

    def failed(error: OSError) -> None:
        raise error

    for place, folders, names in os.walk(folder, onerror=failed):
        if any(Path(place, name).is_symlink() for name in folders):
            raise ValueError("a link")
        # Python leaves these where a script is run.
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in names:
            path = Path(place, name)
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                executable = bool(os.fstat(descriptor).st_mode & 0o100)
                yield path.relative_to(folder).as_posix(), executable, file.read()


def read_manifest(target: Path) -> dict[str, Entry]:
    """Read the manifest; empty where there is none.

    Raises:
        ExportError: It is not one that export wrote.
    """
    place = target / MANIFEST
    try:
        descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            # One that is cut is no JSON.
            return _parsed(json.loads(file.read(_MAX_MANIFEST)))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, LookupError, RecursionError, PackingError) as error:
        raise ExportError(
            f"{place} is not a manifest that export wrote ({error})\n    look at what is in the "
            "folder, and remove the manifest: what is there is then left alone"
        ) from None


def _parsed(data: Any) -> dict[str, Entry]:
    if not isinstance(data, dict) or data.get("format") != 1:
        raise ValueError("it is not of the format 1")
    entries = {}
    for name, said in dict(data["skills"]).items():
        entry = Entry(said["distribution"], said["version"], said["state"], said.get("was"))
        states = [entry.state] if entry.was is None else [entry.state, entry.was]
        if not all(isinstance(one, str) for one in (entry.distribution, entry.version, *states)):
            raise TypeError(f"what it says of {name!r}")
        if not all(_STATE.fullmatch(state) for state in states):
            raise ValueError(f"its state of {name!r}")
        entries[check_folder_name(name)] = entry
    return entries


def write_manifest(target: Path, entries: Mapping[str, Entry]) -> None:
    """Write the manifest, whole or not at all; none where nothing is ours."""
    place = target / MANIFEST
    if not entries:
        place.unlink(missing_ok=True)
        return
    skills = {
        name: {
            "distribution": one.distribution,
            "version": one.version,
            "state": one.state,
            **({"was": one.was} if one.was and one.was != one.state else {}),
        }
        for name, one in sorted(entries.items())
    }
    with staging(target) as folder:
        draft = folder / "manifest"
        with draft.open("w", encoding="utf-8") as file:
            json.dump({"format": 1, "skills": skills}, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(place)
