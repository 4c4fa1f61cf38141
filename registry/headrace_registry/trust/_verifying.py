"""The client's side: what a registry gave is what its keeper signed, and the newest of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, TypeVar

from tuf.api import exceptions as tuf
from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp
from tuf.api.serialization import DeserializationError
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from headrace_registry.errors import DownloadError, TrustError
from headrace_registry.http import AccessError, MissingError
from headrace_registry.trust._fingerprint import MAX_ROOT, fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from headrace_registry.http import Remote
    from headrace_registry.settings import RegistrySettings

__all__ = ["MAX_TARGETS", "Verified", "check_site", "first_root", "update", "verify"]

MAX_TARGETS = 64 * 1024 * 1024
"""The longest list of files that is read, in bytes."""
_MAX_SMALL = 2_000_000
_ROLES = ("root", "timestamp", "snapshot", "targets")
_T = TypeVar("_T", Root, Timestamp, Snapshot, Targets)


@dataclass(frozen=True, slots=True)
class Verified:
    """What a registry's keeper signed."""

    version: int
    """The version of its list of files: it grows with each change."""
    expires: datetime
    """When the first of its parts ends."""
    ended: str
    """The part that has ended, or nothing."""
    root_version: int
    """The number of its root of trust."""
    files: Mapping[str, tuple[int, str]]
    """Its files: for each path, the size and the sha256."""

    def file(self, registry: RegistrySettings, path: str) -> tuple[int, str]:
        """The size and digest of a file.

        Raises:
            TrustError: The keeper signed no such file.
        """
        try:
            return self.files[path]
        except KeyError:
            raise _trust(registry, f"its keeper signed no file {path}") from None


def first_root(registry: RegistrySettings, remote: Remote) -> bytes:
    """The first root of trust, if it has the keys that the project pinned.

    Raises:
        TrustError: It has others.
        DownloadError: It cannot be had.
    """
    try:
        data = b"".join(remote.read("metadata/1.root.json", MAX_ROOT))
    except MissingError:
        raise _trust(
            registry,
            "is not signed: it has no metadata/1.root.json",
            then="see that the address is right; its keeper signs with: agents registry keys new",
        ) from None
    return _pinned(registry, data)


def update(registry: RegistrySettings, remote: Remote, folder: Path, root: bytes) -> Verified:
    """Brings a folder of metadata up to date, as the reference client does.

    Args:
        registry: The registry, with its key.
        remote: Where it is read from.
        folder: The folder; what is in it was verified before.
        root: The first root, as ``first_root`` gave it.

    Raises:
        TrustError: What came is not what the keeper signed, or is older than what came before.
        DownloadError: Something cannot be had.
    """
    config = UpdaterConfig(
        root_max_length=MAX_ROOT,
        snapshot_max_length=_MAX_SMALL,
        targets_max_length=MAX_TARGETS,
    )
    try:
        Updater(
            str(folder),
            "metadata/",
            fetcher=_Fetcher(remote),
            config=config,
            bootstrap=_pinned(registry, root),
        ).refresh()
    except (tuf.RepositoryError, tuf.DownloadError) as error:
        raise _explained(registry, error) from None
    return _read_verified(folder)


def verify(
    registry: RegistrySettings,
    read: Callable[[str], bytes],
    *,
    now: datetime | None = None,
) -> Verified:
    """Verifies a registry without its clock: what has ended is told, and is no error.

    It is for places that are cut off from the keeper. Nothing guards there against an older
    version; the lock does.

    Args:
        registry: The registry, with its key.
        read: Gives a file of ``metadata/`` by its name; raises ``MissingError`` where none is.
        now: The time.

    Raises:
        TrustError: It is not what the keeper signed.
    """
    now = now or datetime.now(timezone.utc)
    try:
        root = _load(Root, _pinned(registry, read("1.root.json")), None, "root")
        while True:
            try:
                data = read(f"{root.version + 1}.root.json")
            except MissingError:
                break
            following = _load(Root, data, root, "root")
            _load(Root, data, following, "root")
            if following.version != root.version + 1:
                raise tuf.BadVersionNumberError("root")
            root = following
        timestamp = _load(Timestamp, read("timestamp.json"), root, "timestamp")
        data = read("snapshot.json")
        timestamp.snapshot_meta.verify_length_and_hashes(data)
        snapshot = _load(Snapshot, data, root, "snapshot")
        data = read("targets.json")
        snapshot.meta["targets.json"].verify_length_and_hashes(data)
        targets = _load(Targets, data, root, "targets")
        if (snapshot.version, targets.version) != (
            timestamp.snapshot_meta.version,
            snapshot.meta["targets.json"].version,
        ):
            raise tuf.BadVersionNumberError("versions are mixed")
    except (tuf.RepositoryError, DeserializationError, KeyError) as error:
        raise _explained(registry, error) from None
    parts = dict(zip(_ROLES, (root, timestamp, snapshot, targets), strict=True))
    ended = next((name for name, one in parts.items() if one.is_expired(now)), "")
    return Verified(
        version=targets.version,
        expires=min(one.expires for one in parts.values()),
        ended=ended,
        root_version=root.version,
        files={path: (one.length, one.hashes["sha256"]) for path, one in targets.targets.items()},
    )


def check_site(registry: RegistrySettings, folder: Path) -> list[str]:
    """What of a site's folder is not as its keeper signed it, a line for each file.

    Raises:
        TrustError: The metadata itself is not.
    """

    def read(name: str) -> bytes:
        try:
            return (folder / "metadata" / name).read_bytes()
        except FileNotFoundError:
            raise MissingError(name) from None

    try:
        verified = verify(registry, read)
    except MissingError as error:
        raise _trust(registry, f"has no metadata/{error}") from None
    problems = [f"metadata/{verified.ended}.json: has ended"] if verified.ended else []
    for name, (size, digest) in verified.files.items():
        path = folder / name
        if path.is_symlink() or not path.is_file():
            problems.append(f"{name}: is missing")
        elif path.stat().st_size != size or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            problems.append(f"{name}: is not what was signed")
    there = (path for path in sorted(folder.rglob("*")) if path.is_file())
    names = (path.relative_to(folder).as_posix() for path in there)
    problems += [
        f"{name}: was not signed"
        for name in names
        if name not in verified.files and not name.startswith(("metadata/", "."))
    ]
    return problems


class _Fetcher(FetcherInterface):
    """Gives the reference client the files of a registry."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def _fetch(self, url: str) -> Iterator[bytes]:
        try:
            yield from self._remote.read(url, MAX_TARGETS)
        except MissingError as error:
            raise tuf.DownloadHTTPError(str(error), 404) from None
        except AccessError as error:
            # Some stores answer so for a file that is not there: the root that comes next.
            if url.endswith(".root.json"):
                raise tuf.DownloadHTTPError(str(error), 403) from None
            raise


def _load(kind: type[_T], data: bytes, delegator: Root | None, role: str) -> _T:
    metadata = Metadata[_T].from_bytes(data)
    if not isinstance(metadata.signed, kind):
        raise tuf.RepositoryError(f"{role}.json is something else")
    by = delegator if delegator is not None else metadata.signed
    assert isinstance(by, Root)  # noqa: S101 - only roots delegate here
    by.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
    return metadata.signed


def _read_verified(folder: Path) -> Verified:
    """What is in a folder that was just verified."""
    signed = {name: json.loads((folder / f"{name}.json").read_bytes())["signed"] for name in _ROLES}
    expires = [
        datetime.fromisoformat(one["expires"].replace("Z", "+00:00")) for one in signed.values()
    ]
    return Verified(
        version=signed["targets"]["version"],
        expires=min(expires),
        ended="",
        root_version=signed["root"]["version"],
        files={
            path: (one["length"], one["hashes"].get("sha256", ""))
            for path, one in signed["targets"]["targets"].items()
        },
    )


def _pinned(registry: RegistrySettings, root: bytes) -> bytes:
    found = fingerprint(root)
    if found != registry.key:
        raise _trust(
            registry,
            "is signed with other keys than the project trusts; nothing of it was used",
            why=f"pinned {registry.key}, and there is {found}",
            then="ask its keeper, over another way, before you trust the new key: "
            f"agents registry add {registry.name} {registry.url} --replace-key",
        )
    return root


def _explained(registry: RegistrySettings, error: Exception) -> TrustError | DownloadError:
    if isinstance(error, tuf.ExpiredMetadataError):
        return _trust(
            registry,
            "has not been signed anew in time, so that it may be held back",
            why=str(error),
            then="tell its keeper (agents registry keys sign); what is locked can still be "
            "installed with --offline",
        )
    if isinstance(error, tuf.BadVersionNumberError):
        return _trust(
            registry,
            "gives an older state than it gave before, or parts of several; it was not used",
            why=str(error),
            then="try again if it is being published right now; else tell its keeper",
        )
    if isinstance(error, tuf.UnsignedMetadataError):
        return _trust(registry, "gave metadata that its keys did not sign", why=str(error))
    if isinstance(error, (tuf.LengthOrHashMismatchError, tuf.DownloadLengthMismatchError)):
        return _trust(
            registry,
            "gave metadata that is not what its keeper signed",
            why=str(error),
            then="try again if it is being published right now; else tell its keeper",
        )
    if isinstance(error, tuf.DownloadError):
        return _trust(registry, "lacks a part of its metadata", why=str(error).partition("\n")[0])
    return _trust(registry, "gave metadata that cannot be read", why=str(error).partition("\n")[0])


def _trust(registry: RegistrySettings, what: str, *, why: str = "", then: str = "") -> TrustError:
    lines = [f"registry {registry.name!r}: {what}", f"  where: {registry.url}"]
    lines += [f"  {name:<7}{text}" for name, text in (("why:", why), ("next:", then)) if text]
    return TrustError("\n".join(lines))
