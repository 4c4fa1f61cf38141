"""Unpacks a job's zip where its image is built: the engine's packages apart from the rest.

This file travels to wherever the image is built, and uses nothing but Python's own library. Files
get the modes that the zip gives them and one time for all, so that the same packages make the same
layer; their bytecode is made here, since the image cannot be written to where the job runs.

    python unpack.py job.zip engine.txt OUT     makes OUT/engine and OUT/job
"""

from __future__ import annotations

import compileall
import csv
import io
import json
import os
import platform
import py_compile
import re
import sys
import zipfile
from pathlib import Path, PurePosixPath

HOME = "/opt/job"
SITE = "site-packages"
TIME = 315_532_800  # 1980-01-01, the first that a zip can say
MACHINES = {"linux/amd64": ("x86_64",), "linux/arm64": ("aarch64", "arm64")}


def main(zip_path: str, engine_path: str, out: str) -> None:
    """Unpacks a zip.

    Args:
        zip_path: The zip.
        engine_path: The engine's packages, a ``NAME==VERSION`` a line.
        out: The folder to make.
    """
    names = {
        _normal(line.split("==")[0])
        for line in Path(engine_path).read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith("#")
    }
    with zipfile.ZipFile(zip_path) as archive:
        check_target(json.loads(archive.read("job.json")))
        engine = files_of(archive, names)
        for folder in ("engine", "job"):
            (Path(out) / folder).mkdir(parents=True)
        for entry in archive.infolist():
            part = "engine" if entry.filename in engine else "job"
            _extract(archive, entry, Path(out) / part)
    for part in ("engine", "job"):
        _compile(Path(out) / part)
        _settle(Path(out) / part)


def check_target(job: dict[str, str]) -> None:
    """Ends the build where the image's Python or processor is not the one that the job is for."""
    has = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if has != job["python"]:
        sys.exit(f"the job is for Python {job['python']}, and this image has {has}")
    if platform.machine() not in MACHINES.get(job["platform"], ()):
        sys.exit(
            f"the job is for {job['platform']}, and this image is for {platform.machine()}: "
            f"build it with --platform {job['platform']}"
        )


def files_of(archive: zipfile.ZipFile, packages: set[str]) -> set[str]:
    """The files of some packages, as their own lists (RECORD) name them."""
    found = set()
    for name in archive.namelist():
        parts = PurePosixPath(name).parts
        if len(parts) != 3 or parts[0] != SITE or parts[2] != "RECORD":  # noqa: PLR2004 - folder, package, file
            continue
        if _normal(parts[1].split("-")[0]) in packages:
            text = archive.read(name).decode()
            found |= {f"{SITE}/{row[0]}" for row in csv.reader(io.StringIO(text)) if row}
    return found


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    target = folder / entry.filename
    if entry.is_dir() or not target.resolve().is_relative_to(folder.resolve()):
        sys.exit(f"the zip has {entry.filename!r}, which is no file of a job: agents verify it")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(archive.read(entry))
    target.chmod(0o755 if entry.external_attr >> 16 & 0o100 else 0o644)


def _compile(folder: Path) -> None:
    # A file that is for another Python than this one is no fault: it is never imported.
    compileall.compile_dir(
        str(folder),
        quiet=2,
        force=True,
        stripdir=str(folder),
        prependdir=HOME,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


def _settle(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            path.chmod(0o755)
        elif path.suffix == ".pyc":
            path.chmod(0o644)
        os.utime(path, (TIME, TIME))
    os.utime(folder, (TIME, TIME))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).strip().lower()


if __name__ == "__main__":
    main(*sys.argv[1:])
