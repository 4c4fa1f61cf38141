"""The keeper's side: the metadata that says which files a site has, signed."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Protocol, TypeVar

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization import DeserializationError

from headrace_registry.errors import SiteError
from headrace_registry.trust._keys import ONLINE, Keys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from securesystemslib.signer import CryptoSigner

__all__ = ["FOLDER", "KeySigner", "Signer"]

FOLDER = "metadata"
"""Where signed metadata is in a site."""

_T = TypeVar("_T", Targets, Snapshot, Timestamp)


class Signer(Protocol):
    """Signs a site."""

    def sign(
        self, site: Path, files: Mapping[str, tuple[int, str]], now: datetime
    ) -> Mapping[str, bytes]:
        """The files to write into a site, so that clients take it.

        Args:
            site: The site's folder, with the metadata that it had.
            files: Every file of the site by its path in it, ``metadata/`` left out, each with
                its size and sha256.
            now: The time.

        Returns:
            For each path to write, ``metadata/...``, its bytes; in the order to write them in.

        Raises:
            SiteError: It cannot be signed.
        """
        ...


class KeySigner:
    """Signs with the keys of a folder; only the online key has to be in it."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    @classmethod
    def from_folder(cls, keys: Path, password: str | None = None) -> KeySigner:
        """The signer of a folder of keys.

        Args:
            keys: The folder, as ``create_keys`` makes it.
            password: The password of the key files; else ``HEADRACE_SIGNING_PASSWORD`` has it.

        Raises:
            SiteError: It is no folder of keys.
        """
        return cls(Keys.open(keys, password))

    @property
    def fingerprint(self) -> str:
        """What projects pin."""
        return self._keys.fingerprint

    def sign(
        self, site: Path, files: Mapping[str, tuple[int, str]], now: datetime
    ) -> dict[str, bytes]:
        """See ``Signer``. What is still good for half its life, and says the same, is kept.

        Versions grow with the clock: a site that is built anew in an empty folder is newer than
        the one that it replaces.
        """
        now = now.astimezone(timezone.utc).replace(microsecond=0)
        root = self._keys.root
        if root.is_expired(now):
            raise SiteError(
                f"the root of trust has ended on {root.expires:%Y-%m-%d}\n"
                f"  where: {self._keys.folder}\n"
                "  next: with a root key in it: agents registry keys renew"
            )
        signer = self._keys.signer(ONLINE)
        if signer is None:
            raise SiteError(f"there is no online.pem to sign with\n  where: {self._keys.folder}")
        written = self._roots(site)
        days = self._keys.lifetimes
        made = _Maker(self._keys, signer, site, now)
        targets = made.role(Targets, "targets", days.targets, files)
        snapshot = made.role(Snapshot, "snapshot", days.targets, {"targets.json": targets})
        made.role(Timestamp, "timestamp", days.timestamp, snapshot)
        return {**written, **made.written}

    def _roots(self, site: Path) -> dict[str, bytes]:
        """The roots that the site lacks; the old ones stay for ever."""
        missing = {}
        for number, data in enumerate(self._keys.roots, 1):
            name = f"{FOLDER}/{number}.root.json"
            there = _read(site / name)
            if there is None:
                missing[name] = data
            elif there != data:
                raise SiteError(
                    f"this site has another root {number}: it is signed with other keys\n"
                    f"  where: {site / name}"
                )
        beyond = site / FOLDER / f"{len(self._keys.roots) + 1}.root.json"
        if beyond.exists():
            raise SiteError(
                f"this site has a newer root than {self._keys.folder}: take the newest keys\n"
                f"  where: {beyond}"
            )
        return missing


class _Maker:
    """Makes the metadata of each role, or keeps what is there."""

    def __init__(self, keys: Keys, signer: CryptoSigner, site: Path, now: datetime) -> None:
        self._roots = [Metadata[Root].from_bytes(one).signed for one in keys.roots]
        self._signer = signer
        self._folder = site / FOLDER
        self._now = now
        self.written: dict[str, bytes] = {}

    def role(self, kind: type[_T], name: str, days: int, content: object) -> MetaFile:
        """Signs a role, if it has to be, and says what names it."""
        data = _read(self._folder / f"{name}.json")
        old = None if data is None else self._trusted(kind, name, data)
        version = int(self._now.timestamp())
        if old is not None:
            version = max(version, old.signed.version + 1)
        if old is not None and data is not None and self._is_good(old, name, days):
            same = _signed(kind, old.signed.version, old.signed.expires, content)
            if same == old.signed:
                return _meta(old.signed.version, data)
        metadata = Metadata(_signed(kind, version, self._now + timedelta(days=days), content))
        metadata.sign(self._signer)
        self.written[f"{FOLDER}/{name}.json"] = data = metadata.to_bytes()
        return _meta(version, data)

    def _is_good(self, old: Metadata[_T], name: str, days: int) -> bool:
        """Whether what is there may stay: for half its life, and unless its key was replaced."""
        left = old.signed.expires - self._now
        young = timedelta(days=days) / 2 <= left <= timedelta(days=days)
        return young and _verifies(self._roots[-1], name, old)

    def _trusted(self, kind: type[_T], name: str, data: bytes) -> Metadata[_T]:
        """What is there, if it was signed by a key of this registry, now or earlier."""
        path = self._folder / f"{name}.json"
        try:
            old = Metadata[_T].from_bytes(data)
        except DeserializationError:
            raise SiteError(f"this is no signed metadata: remove it\n  where: {path}") from None
        if not isinstance(old.signed, kind) or not any(
            _verifies(root, name, old) for root in reversed(self._roots)
        ):
            raise SiteError(
                f"it is not signed with these keys: {'another registry' if kind else ''}, "
                f"or somebody changed it\n  where: {path}\n"
                "  next: take the right keys; or remove it, and look who may write there"
            )
        return old


def _signed(kind: type[_T], version: int, expires: datetime, content: object) -> _T:
    signed: Targets | Snapshot | Timestamp
    if kind is Targets:
        signed = Targets(version=version, expires=expires)
        files: Mapping[str, tuple[int, str]] = content  # type: ignore[assignment]
        signed.targets = {
            path: TargetFile(size, {"sha256": digest}, path)
            for path, (size, digest) in sorted(files.items())
        }
    elif kind is Snapshot:
        signed = Snapshot(version=version, expires=expires, meta=content)  # type: ignore[arg-type]
    else:
        signed = Timestamp(version=version, expires=expires, snapshot_meta=content)  # type: ignore[arg-type]
    return signed  # type: ignore[return-value] # the kind that was asked for


def _verifies(root: Root, name: str, metadata: Metadata[_T]) -> bool:
    try:
        root.verify_delegate(name, metadata.signed_bytes, metadata.signatures)
    except RepositoryError:
        return False
    return True


def _meta(version: int, data: bytes) -> MetaFile:
    return MetaFile(version, len(data), {"sha256": hashlib.sha256(data).hexdigest()})


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
