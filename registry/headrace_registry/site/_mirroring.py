"""Chosen packages of another index, and what they require, copied into a registry of one's own.

uv resolves; what it chose is fetched and held against the hashes that it saw, or, where the
other index is a registry whose key is known, against those that were signed.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from headrace_registry.catalogue import CATALOGUE
from headrace_registry.errors import SiteError, TrustError
from headrace_registry.http import MissingError, netrc_for, open_remote
from headrace_registry.settings import INDEX, RegistrySettings, Target, without_credentials
from headrace_registry.site._building import build_site
from headrace_registry.toml import parse_toml
from headrace_registry.wheels import wheel_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from packaging.pylock import PackageWheel

    from headrace_registry.site._change import BuildReport
    from headrace_registry.trust import Signer

__all__ = ["Mirrored", "mirror"]

MAX_WHEEL = 4 * 1024**3
"""Bytes of a wheel whose size the other index does not say."""
_MOST = 64 * 1024**2  # a catalogue is only looked for here
_UV = {
    "linux/amd64": "x86_64-unknown-linux-gnu",
    "linux/arm64": "aarch64-unknown-linux-gnu",
    "macos/arm64": "aarch64-apple-darwin",
}
"""What uv calls the platforms of targets."""


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What was copied."""

    wheels: tuple[tuple[str, int, str], ...]
    """File name, bytes and SHA-256 of each wheel that was chosen, by name."""
    report: BuildReport
    """What became of the site."""


def mirror(
    source: str,
    requirements: Sequence[str],
    site: Path,
    *,
    targets: Sequence[Target] = (),
    dependencies: bool = True,
    key: str | None = None,
    title: str | None = None,
    dry_run: bool = False,
    signer: Signer | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Mirrored:
    """Copies wheels of another index into a registry, which is made if need be.

    Args:
        source: The address of a simple index, or of a registry; a folder; or ``index``, for the
            package index that uv is set to use here.
        requirements: What is wanted.
        site: The registry's folder.
        targets: The machines that it is wanted for; this one if empty.
        dependencies: Whether also what is required by it.
        key: The fingerprint of the source's root of trust, if that is a registry.
        title: What a new registry is called.
        dry_run: Whether to choose only, and fetch and write nothing.
        signer: What signs it; a signed registry needs one.
        progress: Told how many wheels are here, and how many there are.

    Raises:
        RegistryError: Nothing fits, something cannot be had or is not what it should be, or the
            registry cannot be built; it is as it was.
    """
    with tempfile.TemporaryDirectory(prefix="headrace-mirror-") as scratch:
        folder = Path(scratch)
        origin = _Origin(source, folder)
        chosen: dict[str, PackageWheel] = {}
        for target in targets or (None,):
            for wheel in _resolve(origin, requirements, target, folder, dependencies=dependencies):
                chosen[_name(wheel)] = wheel
        if key is not None:
            _check_signed(origin, chosen, key, folder)
        wheels = []
        for number, name in enumerate(sorted(chosen), start=1):
            if not dry_run:
                wheels.append(_fetch(chosen[name], folder))
            if progress is not None:
                progress(number, len(chosen))
        report = build_site(wheels, site, title=title, dry_run=dry_run, signer=signer)
    told = ((name, chosen[name].size or 0, _hash(chosen[name])) for name in sorted(chosen))
    return Mirrored(tuple(told), report)


class _Origin:
    """Where is copied from."""

    def __init__(self, source: str, scratch: Path) -> None:
        self.is_registry = False
        self.url: str | None = None
        if source == INDEX:
            return
        parts = urlsplit(source)
        if parts.scheme == "":
            self.url = Path(source).resolve().as_uri()
        elif parts.scheme in ("https", "http", "file"):
            if "@" in parts.netloc:
                raise SiteError(
                    f"{without_credentials(source)} holds a password: take it out, and put it into "
                    "~/.netrc"
                )
            self.url = source.rstrip("/")
        else:
            raise SiteError(f"{source!r} is no address with https, http or file, and no folder")
        self.is_registry = _has(self.settings(), CATALOGUE, scratch)

    def settings(self, key: str | None = None) -> RegistrySettings:
        """It as a registry."""
        return RegistrySettings("source", self.url or "", key)

    @property
    def index(self) -> str | None:
        """The address of its simple pages; ``None``: what uv is set to use."""
        return f"{self.url}/simple" if self.is_registry else self.url


def _resolve(
    origin: _Origin,
    requirements: Sequence[str],
    target: Target | None,
    folder: Path,
    *,
    dependencies: bool,
) -> list[PackageWheel]:
    """The wheels that a machine needs, one of each package."""
    from packaging.pylock import Pylock
    from uv import find_uv_bin

    output = folder / "pylock.toml"
    output.unlink(missing_ok=True)
    arguments = [find_uv_bin(), "pip", "compile", "-", "--format", "pylock.toml", "--quiet"]
    arguments += ["--only-binary", ":all:", "--no-header", "--output-file", str(output)]
    arguments += ["--python", sys.executable]
    if target is not None:
        arguments += ["--python-version", target.python, "--python-platform", _UV[target.platform]]
    if not dependencies:
        arguments.append("--no-deps")
    if origin.index is not None:
        arguments += ["--no-config", "--default-index", origin.index]
    with netrc_for([origin.settings()] if origin.url else [], tls=folder) as additions:
        done = subprocess.run(  # noqa: S603 - uv, with what was typed as its input
            arguments,
            input="".join(f"{_line(one)}\n" for one in requirements),
            cwd=folder,
            env=_environment(additions, own_index=origin.index is None),
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SiteError(f"what was asked for cannot be chosen:\n{done.stderr.strip()}")
    lock = Pylock.from_dict(parse_toml(output.read_text(encoding="utf-8")))
    found: list[PackageWheel] = []
    for package in lock.packages:
        if not package.wheels:
            where = target or "this machine"
            raise SiteError(f"{package.name} {package.version} has no wheel for {where}")
        found += package.wheels
    return found


def _line(requirement: str) -> str:
    """A requirement, which is nothing else: uv would take options there."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return str(Requirement(requirement))
    except InvalidRequirement as error:
        why = str(error).partition("\n")[0]
        raise SiteError(f"{requirement!r} is not a requirement: {why}") from None


def _environment(additions: Mapping[str, str], *, own_index: bool) -> dict[str, str]:
    """This process's variables, without those that would add another index."""
    scrubbed = () if own_index else ("UV_", "PIP_")
    kept = {
        name: value
        for name, value in os.environ.items()
        if name == "UV_CACHE_DIR" or not name.startswith(scrubbed)
    }
    return {**kept, **additions}


def _has(source: RegistrySettings, path: str, scratch: Path) -> bool:
    """Whether a source has a file."""
    remote = open_remote(source, scratch)
    try:
        next(iter(remote.read(path, _MOST)), b"")
    except MissingError:
        return False
    finally:
        remote.close()
    return True


def _fetch(wheel: PackageWheel, folder: Path) -> Path:
    """Writes a wheel to the disk.

    Raises:
        DownloadError: It cannot be had.
        TrustError: It is not what the index said.
    """
    name = _name(wheel)
    wheel_name(name)  # it is a name, and no path
    url = wheel.url or (folder / (wheel.path or name)).resolve().as_uri()
    remote = open_remote(RegistrySettings("source", url.rpartition("/")[0], None), folder)
    target = folder / "wheels" / name
    target.parent.mkdir(exist_ok=True)
    total, size = hashlib.sha256(), 0
    try:
        with target.open("wb") as file:
            for piece in remote.read(name, wheel.size or MAX_WHEEL):
                total.update(piece)
                size += file.write(piece)
    finally:
        remote.close()
    if total.hexdigest() != _hash(wheel):
        raise TrustError(
            f"{name} is not the file that the index names\n"
            f"  from: {without_credentials(url)}\n"
            f"  said: sha256 {_hash(wheel)}\n"
            f"  came: sha256 {total.hexdigest()}, {size} bytes"
        )
    if wheel.upload_time is not None:  # what becomes the time of its upload here
        seconds = wheel.upload_time.timestamp()
        os.utime(target, (seconds, seconds))
    return target


def _check_signed(
    origin: _Origin, chosen: Mapping[str, PackageWheel], key: str, scratch: Path
) -> None:
    """Holds what was chosen against what the source's keeper signed."""
    from headrace_registry.client import RegistryClient

    if not origin.is_registry:
        raise SiteError("a key is that of a registry, and what is copied from is none")
    client = RegistryClient(origin.settings(key), cache=scratch / "cache")
    signed = {
        file.filename: file.sha256
        for package in client.refresh().catalogue.packages
        for release in package.releases
        for file in release.files
    }
    for name, wheel in chosen.items():
        if signed.get(name) != _hash(wheel):
            raise TrustError(
                f"{name} is not the file that was signed\n  from: {origin.url}\n"
                "  next: nothing was copied; tell the registry's keeper"
            )


def _name(wheel: PackageWheel) -> str:
    place = urlsplit(wheel.url).path if wheel.url else wheel.path or ""
    return wheel.name or unquote(place.rpartition("/")[2])


def _hash(wheel: PackageWheel) -> str:
    try:
        return wheel.hashes["sha256"].lower()
    except KeyError:
        raise SiteError(
            f"the index has no sha256 for {_name(wheel)}: it cannot be copied"
        ) from None
