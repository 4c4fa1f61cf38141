"""A keeper's keys: a folder with two root keys, one online key, and every root so far.

``root-1.pem`` and ``root-2.pem`` are kept apart from each other and from the server; either of them
replaces any key. ``online.pem`` signs each change. ``roots/N.root.json`` are public.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root
from tuf.api.serialization import DeserializationError

from headrace_registry.errors import SiteError
from headrace_registry.trust._fingerprint import fingerprint

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ONLINE", "PASSWORD", "ROOTS", "KeyState", "Keys", "Lifetimes", "create_keys", "rotate"]

PASSWORD = "HEADRACE_SIGNING_PASSWORD"  # noqa: S105 - a variable's name
"""The variable with the password of the key files."""
ROOTS = ("root-1", "root-2")
"""The root keys."""
ONLINE = "online"
"""The key of all that changes often."""
_ONLINE_ROLES = ("targets", "snapshot", "timestamp")
_LIFETIMES = "lifetimes.json"
_NAMES = "x-headrace-names"  # of a root: which of its keys is called how


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How many days what is signed is good for."""

    root: int = 365
    """The root of trust."""
    targets: int = 90
    """The list of files, and what says which list is the newest."""
    timestamp: int = 14
    """The word that nothing newer is there."""


@dataclass(frozen=True, slots=True)
class KeyState:
    """A key of the current root."""

    name: str
    """``root-1``, ``root-2`` or ``online``."""
    keyid: str
    """Its id."""
    here: bool
    """Whether its file is in the folder."""
    encrypted: bool
    """Whether that file wants a password."""


@dataclass(frozen=True)
class Keys:
    """A folder of keys."""

    folder: Path
    """The folder."""
    roots: tuple[bytes, ...]
    """Every root of trust, from the first."""
    lifetimes: Lifetimes
    """How long what is signed is good for."""
    password: str | None = None
    """The password of the key files."""

    @classmethod
    def open(cls, folder: Path, password: str | None = None) -> Keys:
        """Reads a folder of keys; no private key is read yet.

        Args:
            folder: The folder.
            password: The password of the key files; else ``HEADRACE_SIGNING_PASSWORD`` has it.

        Raises:
            SiteError: It is no folder of keys.
        """
        roots: list[bytes] = []
        try:
            while (path := folder / "roots" / f"{len(roots) + 1}.root.json").is_file():
                roots.append(path.read_bytes())
            said = folder / _LIFETIMES
            days = json.loads(said.read_bytes()) if said.is_file() else {}
            found = cls(
                folder, tuple(roots), Lifetimes(**days), password or os.environ.get(PASSWORD)
            )
            usable = bool(roots) and set(found.names) == {*ROOTS, ONLINE}
        except (OSError, ValueError, TypeError, DeserializationError) as error:
            raise SiteError(f"the keys in {folder} cannot be read: {error}") from None
        if not usable:
            raise SiteError(
                f"{folder} is no folder of a registry's keys: it has no roots/1.root.json of ours\n"
                f"  next: agents registry keys new {folder}"
            )
        return found

    @property
    def fingerprint(self) -> str:
        """What projects pin."""
        return fingerprint(self.roots[0])

    @property
    def root(self) -> Root:
        """The current root of trust."""
        return Metadata[Root].from_bytes(self.roots[-1]).signed

    @property
    def names(self) -> dict[str, str]:
        """For a key's name, its id."""
        return dict(self.root.unrecognized_fields.get(_NAMES, {})) if self.roots else {}

    def states(self) -> list[KeyState]:
        """The keys, the roots first."""
        return [
            KeyState(name, self.names[name], path.is_file(), _is_encrypted(path))
            for name in (*ROOTS, ONLINE)
            for path in (self.path(name),)
        ]

    def path(self, name: str) -> Path:
        """A key's file; one that was being replaced when the machine stopped is put in place."""
        path = self.folder / f"{name}.pem"
        waiting = _waiting(self.folder, name, self.names[name])
        if waiting.is_file():
            if path.is_file():
                retired = self.folder / "retired"
                retired.mkdir(mode=0o700, exist_ok=True)
                path.rename(retired / f"{name}-before-root-{len(self.roots)}.pem")
            waiting.rename(path)
        return path

    def signer(self, name: str) -> CryptoSigner | None:
        """A key, to sign with; ``None`` where its file is not here.

        Raises:
            SiteError: It cannot be read, its password is wrong, or it is another key.
        """
        path = self.path(name)
        if not path.is_file():
            return None
        secret = self.password.encode() if self.password and _is_encrypted(path) else None
        try:
            found = CryptoSigner(serialization.load_pem_private_key(path.read_bytes(), secret))
        except TypeError:
            raise SiteError(f"{path} has a password\n  next: set {PASSWORD}") from None
        except (ValueError, OSError):
            raise SiteError(f"{path} cannot be read: no key, or the password is wrong") from None
        if found.public_key.keyid != self.names[name]:
            raise SiteError(
                f"{path} is not the {name} key of root {len(self.roots)}: it was replaced"
            )
        return found


def create_keys(
    folder: Path,
    *,
    password: str | None = None,
    lifetimes: Lifetimes | None = None,
    now: datetime | None = None,
) -> str:
    """Makes the keys of a new registry.

    Args:
        folder: Where to; it must not be there, or be empty.
        password: Encrypts the key files; else ``HEADRACE_SIGNING_PASSWORD`` does, if it is set.
        lifetimes: How long what is signed is good for.
        now: The time.

    Returns:
        The fingerprint, which projects pin.

    Raises:
        SiteError: The folder is not empty.
    """
    if folder.exists() and any(folder.iterdir()):
        raise SiteError(f"{folder} is not empty: keys are made in a folder of their own")
    days = lifetimes or Lifetimes()
    made = {name: CryptoSigner.generate_ed25519() for name in (*ROOTS, ONLINE)}
    names = {name: one.public_key.keyid for name, one in made.items()}
    root = Root(
        consistent_snapshot=False,
        expires=_until(now, days.root),
        unrecognized_fields={_NAMES: names},
    )
    for name in ROOTS:
        root.add_key(made[name].public_key, "root")
    for role in _ONLINE_ROLES:
        root.add_key(made[ONLINE].public_key, role)
    metadata = Metadata(root)
    for name in ROOTS:
        metadata.sign(made[name], append=True)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "roots").mkdir()
    secret = password or os.environ.get(PASSWORD)
    for name, signer in made.items():
        _write(folder / f"{name}.pem", _pem(signer, secret), 0o600)
    _write(folder / _LIFETIMES, json.dumps(asdict(days), indent=1).encode())
    # Last: a folder without it is no folder of keys.
    _write(folder / "roots" / "1.root.json", metadata.to_bytes())
    return fingerprint(metadata.to_bytes())


def rotate(
    folder: Path, name: str | None, *, password: str | None = None, now: datetime | None = None
) -> int:
    """Replaces a key, lost or not, or renews the root as it is; the fingerprint stays.

    The new root is signed by every root key of the old one that is here, and by those of the new
    one. The site has to be signed again after it.

    Args:
        folder: The folder of keys; one root key of the current root has to be in it.
        name: ``root-1``, ``root-2`` or ``online``; ``None`` only renews.
        password: The password of the key files, and of the new one.
        now: The time.

    Returns:
        The new root's number.

    Raises:
        SiteError: There is no root key to sign with, or it is not one of this registry.
    """
    keys = Keys.open(folder, password)
    if name is not None and name not in (*ROOTS, ONLINE):
        raise SiteError(f"there is no key {name!r}: it may be {', '.join((*ROOTS, ONLINE))}")
    signers = [one for each in ROOTS if (one := keys.signer(each)) is not None]
    if not signers:
        raise SiteError(
            f"a new root is signed by a root key, and neither is here\n  where: {folder}\n"
            "  next: copy root-1.pem or root-2.pem into it, and take it out after"
        )
    root = keys.root
    names = keys.names
    if name is not None:
        fresh = CryptoSigner.generate_ed25519()
        for role in ("root",) if name in ROOTS else _ONLINE_ROLES:
            root.revoke_key(names[name], role)
            root.add_key(fresh.public_key, role)
        names[name] = fresh.public_key.keyid
        if name in ROOTS:
            signers.append(fresh)
        waiting = _waiting(folder, name, names[name])
        _write(waiting, _pem(fresh, keys.password), 0o600)
    root.unrecognized_fields[_NAMES] = names
    root.version += 1
    root.expires = _until(now, keys.lifetimes.root)
    metadata = Metadata(root)
    for signer in signers:
        metadata.sign(signer, append=True)
    _check_next(keys.root, metadata)
    # From here on the new key is the key; opening the folder puts its file in place.
    _write(folder / "roots" / f"{root.version}.root.json", metadata.to_bytes())
    Keys.open(folder).states()
    return root.version


def _check_next(old: Root, metadata: Metadata[Root]) -> None:
    """A root that clients would refuse is not written."""
    try:
        for root in (old, metadata.signed):
            root.verify_delegate("root", metadata.signed_bytes, metadata.signatures)
    except RepositoryError as error:  # pragma: no cover - a signer was checked against its id
        raise SiteError(f"the new root would not be accepted: {error}") from None


def _waiting(folder: Path, name: str, keyid: str) -> Path:
    """Where a new key is until the root that names it is written."""
    return folder / f"{name}.{keyid[:16]}.pem"


def _is_encrypted(path: Path) -> bool:
    return path.is_file() and b"BEGIN ENCRYPTED" in path.read_bytes()[:64]


def _until(now: datetime | None, days: int) -> datetime:
    start = now or datetime.now(timezone.utc)
    return start.replace(microsecond=0) + timedelta(days=days)


def _pem(signer: CryptoSigner, password: str | None) -> bytes:
    if not password:
        return signer.private_bytes
    key = serialization.load_pem_private_key(signer.private_bytes, None)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password.encode()),
    )


def _write(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Writes a file whole or not at all; it has its rights from the start."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
