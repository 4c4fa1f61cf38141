"""Source distributions that a project lets build: once, apart, into wheels of its own.

Some packages exist as source only (Flink needs four of them). Building runs code of theirs, so
each is named by version in ``[tool.agents] build``, taken by its hash from the package index, and
built in an environment of its own; what comes out is a wheel in ``vendor/``, locked like others.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from packaging.utils import parse_wheel_filename
from packaging.version import Version

from headrace_registry.errors import DownloadError, LockError, OfflineError
from headrace_registry.locking.lock import file_name
from headrace_registry.locking.scratch import scratch, write_whole
from headrace_registry.locking.targets import best_wheel, machine, targets_of
from headrace_registry.locking.uv import interpreter, run_uv
from headrace_registry.settings import VENDOR
from headrace_registry.toml import parse_toml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from headrace_registry.locking.wanted import Wanted
    from headrace_registry.settings import Target

__all__ = ["build_missing"]

MAX_BYTES = 1024**3
"""The largest source distribution that is built."""
_EPOCH = "315532800"  # 1980: the first moment that a zip can hold, so that two builds are one
_TIMEOUT = 60.0


def build_missing(
    wanted: Wanted, *, offline: bool = False, progress: Callable[[str], None] | None = None
) -> Wanted:
    """Builds what the project lets build and ``vendor/`` has no wheel of, into ``vendor/``.

    Args:
        wanted: The project.
        offline: Use no network.
        progress: Is told what is being done.

    Returns:
        The project with the new wheels.

    Raises:
        LockError: It cannot be built, or not on this machine for a target; says which.
        DownloadError: The source cannot be had.
    """
    vendor = dict(wanted.vendor)
    for pin in wanted.settings.build:
        name, _, version = pin.partition("==")
        have = [one for one in vendor.get(name, ()) if _version(one) == Version(version)]
        for target in targets_of(wanted.settings):
            if best_wheel([one.name for one in have], target) is None:
                if offline:
                    raise OfflineError(
                        f"{name} {version} must be built, and its source is not here\n"
                        "  next: agents lock, without --offline"
                    )
                if progress is not None:
                    progress(f"building {name} {version} for {target}")
                have.append(_built(wanted, name, version, target))
        vendor[name] = tuple(sorted(have))
    return replace(wanted, vendor=vendor)


def _built(wanted: Wanted, name: str, version: str, target: Target) -> Path:
    if machine(target.python).platform != target.platform:
        raise LockError(
            f"{name} {version} is to be built for {target}, which this machine is not\n"
            f"  next: build it on such a machine, and put the wheel into {VENDOR}/"
        )
    with scratch() as folder:
        source = _source(wanted, name, version, target, folder)
        result = run_uv(
            ["build", "--wheel", "--python", interpreter(target.python), "-o", "out", source.name],
            folder=folder,
            index=wanted.index,
            more={"SOURCE_DATE_EPOCH": _EPOCH},
        )
        wheels = list((folder / "out").glob("*.whl"))
        if result.code != 0 or len(wheels) != 1:
            raise LockError(f"{name} {version} cannot be built:\n{_end_of(result.errors)}")
        if best_wheel([wheels[0].name], target) is None:
            raise LockError(f"{name} {version} was built as {wheels[0].name}, not for {target}")
        place = wanted.settings.folder / VENDOR / wheels[0].name
        write_whole(place, wheels[0].read_bytes())
    return place


def _source(wanted: Wanted, name: str, version: str, target: Target, folder: Path) -> Path:
    """Takes the source distribution that the index has, held against the hash that it tells."""
    (folder / "source.in").write_text(f"{name}=={version}\n", encoding="utf-8")
    arguments = ["pip", "compile", "source.in", "--format", "pylock.toml", "--no-deps"]
    arguments += ["--no-binary", ":all:", "--python-version", target.python, "--no-header"]
    result = run_uv([*arguments, "-o", "pylock.toml", "-q"], folder=folder, index=wanted.index)
    if result.code != 0:
        raise LockError(f"{name} {version} cannot be built:\n{_end_of(result.errors)}")
    text = (folder / "pylock.toml").read_text(encoding="utf-8")
    entry: dict[str, Any] = parse_toml(text)["packages"][0].get("sdist", {})
    sha256 = entry.get("hashes", {}).get("sha256")
    if sha256 is None or "url" not in entry:
        raise LockError(f"the package index has no source of {name} {version}, or tells no SHA-256")
    path = folder / file_name(entry["url"])
    _download(entry["url"], sha256, path)
    return path


def _download(url: str, sha256: str, path: Path) -> None:
    import requests

    authorities = os.environ.get("SSL_CERT_FILE") or True
    try:
        with requests.get(url, stream=True, timeout=_TIMEOUT, verify=authorities) as answer:
            answer.raise_for_status()
            found = _written(answer.iter_content(1 << 16), path)
    except (requests.RequestException, OSError) as error:
        raise DownloadError(f"{url} cannot be had: {error}") from None
    if found is None:
        raise DownloadError(f"{url} has more than {MAX_BYTES} bytes")
    if found != sha256:
        raise DownloadError(f"{url} is not the file that the package index tells of: other hash")


def _written(blocks: Iterable[bytes], path: Path) -> str | None:
    """The SHA-256 of what was written; ``None``: it is too much."""
    found, size = hashlib.sha256(), 0
    with path.open("wb") as file:
        for block in blocks:
            size += len(block)
            if size > MAX_BYTES:
                return None
            found.update(block)
            file.write(block)
    return found.hexdigest()


def _version(path: Path) -> Version:
    return parse_wheel_filename(path.name)[1]


def _end_of(text: str) -> str:
    lines = [re.sub(r"/tmp/\S*headrace-[^/\s]+/", "", one) for one in text.strip().splitlines()]  # noqa: S108
    return "\n".join(f"  {one}" for one in lines[-12:])
