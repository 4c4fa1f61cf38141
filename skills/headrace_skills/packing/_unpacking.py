"""The folders of skills back out of a wheel or a zip, all of them or none."""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from headrace_skills._frontmatter import parse_document
from headrace_skills._reading import SKILL_FILES
from headrace_skills.errors import SkillFormatError
from headrace_skills.packing._contents import MAX_BYTES
from headrace_skills.packing._layout import MACS, skills_of_wheel, skills_of_zip
from headrace_skills.packing._naming import check_folder_name
from headrace_skills.packing._zips import open_zip
from headrace_skills.packing.errors import ArchiveError, PackingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace_skills.packing._zips import Zip

__all__ = ["Unpacked", "files_below", "skill_homes", "unpack", "write_skill"]


_WHEEL = ".whl"
_SIGNATURES = ("/RECORD.jws", "/RECORD.p7s")


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A skill of an archive."""

    name: str
    """The name of its folder."""
    folder: Path
    """Where it is, or would be."""
    files: tuple[str, ...]
    """Its files, by their paths in its folder."""


def unpack(archive: Path, into: Path, *, dry_run: bool = False) -> tuple[Unpacked, ...]:
    """Write the folders of the skills in a wheel or a zip.

    The whole archive is checked first, and a wheel against its RECORD. Empty folders are not
    kept; modes are as the archive has them, less what the umask takes.

    Args:
        archive: A ``.whl``, ``.zip`` or ``.skill``.
        into: Where the folders shall stand.
        dry_run: Whether to check all and write nothing.

    Raises:
        ArchiveError: It is hostile, damaged, over the bounds, or holds no skill; or something
            stands where a folder shall be.
        OSError: It cannot be written there.
    """
    with open_zip(archive) as opened:
        try:
            homes = skill_homes(opened, archive)
            unpacked = tuple(
                Unpacked(name, into / name, tuple(files_below(opened, home)))
                for name, home in homes.items()
            )
            for one in unpacked:
                if os.path.lexists(one.folder):
                    raise ArchiveError(
                        f"{one.folder} is there already: move it away, or unpack into another "
                        "folder (--into)"
                    )
            if not dry_run:
                _place(opened, homes, into)
        except PackingError as error:
            raise ArchiveError(str(error)) from None
    return unpacked


def skill_homes(opened: Zip, archive: Path) -> dict[str, str]:
    """Give the skills' folders in an archive, by the names that they shall have.

    Raises:
        ArchiveError: There is none, or two have one name; or a wheel is not as its RECORD says.
    """
    if archive.suffix.lower() == _WHEEL:
        info = _check_record(opened)
        points = f"{info}/entry_points.txt"
        text = opened.read(points).decode("utf-8", "replace") if points in opened.entries else ""
        found = skills_of_wheel(opened.entries, text)
    else:
        found = skills_of_zip(opened.entries)
    homes: dict[str, str] = {}
    for home in found:
        name = _name_of(opened, home, archive)
        if homes.setdefault(name, home) != home:
            raise ArchiveError(f"it has two skills in folders called {name!r}")
    if not homes:
        raise ArchiveError(
            "it holds no skill: a zip has a SKILL.md at its top or in the folders there, a wheel "
            "in PACKAGE/.agents/skills/NAME"
        )
    return homes


def files_below(opened: Zip, home: str) -> dict[str, str]:
    """Give the files below a folder of an archive: their paths in it, and in the archive."""
    start = f"{home}/" if home else ""
    return {
        path[len(start) :]: path
        for path in sorted(opened.entries)
        if path.startswith(start) and not path.startswith(MACS)
    }


def write_skill(opened: Zip, home: str, folder: Path) -> None:
    """Write the files below a folder of an archive to a new folder.

    Raises:
        ArchiveError: A file is damaged, or a link does not lead to a file of the skill.
        OSError: It cannot be written.
    """
    folder.mkdir()
    links: list[Path] = []
    size = 0
    for path, within in files_below(opened, home).items():
        entry = opened.entries[within]
        target = folder.joinpath(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        data = opened.read(within)
        if entry.link:
            # A link leads nowhere as long as nothing is written by way of it, and files are new.
            with suppress(OSError, ValueError):  # then it is not found below
                target.symlink_to(data.decode())
            links.append(target)
        else:
            size += len(data)
            _write(target, data, executable=entry.executable)
    _resolve(links, folder, size)


def _resolve(links: list[Path], folder: Path, size: int) -> None:
    """Put in the place of each link the file that it leads to."""
    root = folder.resolve()
    for link in links:
        shown = link.relative_to(folder).as_posix()
        try:
            found = link.resolve(strict=True)
        except (OSError, RuntimeError):
            raise ArchiveError(f"its link {shown!r} leads to nothing") from None
        if not found.is_relative_to(root) or not found.is_file():
            raise ArchiveError(f"its link {shown!r} does not lead to a file of the skill")
        size += found.stat().st_size
        if size > MAX_BYTES:
            raise ArchiveError(f"it unpacks to more than {MAX_BYTES // 1024**2} MB")
        data, executable = found.read_bytes(), os.access(found, os.X_OK)
        link.unlink()
        _write(link, data, executable=executable)


def _write(target: Path, data: bytes, *, executable: bool) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(target, flags, 0o777 if executable else 0o666), "wb") as file:
        file.write(data)


def _name_of(opened: Zip, home: str, archive: Path) -> str:
    if home:
        name = PurePosixPath(home).name
    else:
        # It stands at the top: there is no folder to be called after.
        name = archive.stem
        file = next(one for one in SKILL_FILES if one in opened.entries)
        with suppress(SkillFormatError):
            said = parse_document(opened.read(file)).fields.get("name")
            name = said.strip() if isinstance(said, str) and said.strip() else name
    try:
        return check_folder_name(name)
    except PackingError as error:
        raise ArchiveError(str(error)) from None


def _place(opened: Zip, homes: Mapping[str, str], into: Path) -> None:
    into.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".unpacked-", dir=into))
    placed: list[Path] = []
    try:
        for name, home in homes.items():
            write_skill(opened, home, staging / name)
        for name in homes:
            # It replaces no folder that holds anything, should one have come up meanwhile.
            (staging / name).rename(into / name)
            placed.append(into / name)
    except BaseException:
        for folder in placed:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _check_record(opened: Zip) -> str:
    """Hold each file of a wheel against its RECORD; give the folder of its metadata."""
    infos = {path.partition("/")[0] for path in opened.entries}
    infos = {info for info in infos if info.endswith(".dist-info")}
    record = f"{next(iter(infos), '')}/RECORD"
    if len(infos) != 1 or record not in opened.entries:
        raise ArchiveError("it is no wheel: it has not one .dist-info folder with a RECORD")
    text = opened.read(record).decode("utf-8", "replace")
    try:
        listed = {row[0]: row[1] for row in csv.reader(text.splitlines()) if len(row) > 1}
    except csv.Error as error:
        raise ArchiveError(f"its RECORD cannot be read: {error}") from None
    own = {record, *(record + one[len("/RECORD") :] for one in _SIGNATURES)}
    for path in sorted(set(listed) - set(opened.entries)):
        raise ArchiveError(f"its RECORD lists {path!r}, and it has no such file")
    for path, entry in opened.entries.items():
        if path in own:
            continue
        if entry.link:
            raise ArchiveError(f"its {path!r} is a link, and wheels have none")
        if path not in listed:
            raise ArchiveError(f"its file {path!r} is not in its RECORD")
        if _sum(listed[path], opened.read(path)) != listed[path]:
            raise ArchiveError(f"its file {path!r} is not the one that its RECORD lists")
    return infos.pop()


def _sum(like: str, data: bytes) -> str:
    """The sum of bytes, written as RECORD does, by the algorithm of another."""
    algorithm = like.partition("=")[0]
    if algorithm not in ("sha256", "sha384", "sha512"):
        return ""  # what RECORD may hold besides is no proof
    digest = base64.urlsafe_b64encode(hashlib.new(algorithm, data).digest()).decode()
    return f"{algorithm}={digest.rstrip('=')}"
