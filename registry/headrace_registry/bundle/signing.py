"""Who built a job's zip: ``job.json.dsse``, a signature of its manifest.

The manifest holds the digest of all else, so a signature of it is one of the whole zip. It is a
DSSE envelope (Dead Simple Signing Envelope) with an Ed25519 signature and the public key; who
verifies pins the key's fingerprint. The key is not one of a registry's: who builds jobs need not be
able to publish packages.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace_registry.errors import SiteError, TrustError

if TYPE_CHECKING:
    from pathlib import Path

    from securesystemslib.signer import CryptoSigner

__all__ = [
    "JOB_KEY",
    "MAX_SIGNATURE",
    "PAYLOAD_TYPE",
    "JobSigner",
    "create_job_key",
    "read_signature",
    "sign_manifest",
]

JOB_KEY = "jobs.pem"
"""The file of the key, in a folder of keys (``HEADRACE_SIGNING_KEYS``)."""
PAYLOAD_TYPE = "application/vnd.headrace.job+json"
"""What is signed, beside the manifest's bytes: a signature of something else is none of a job."""
PASSWORD = "HEADRACE_SIGNING_PASSWORD"  # noqa: S105 - a variable's name
"""The variable with the password of the key file."""
MAX_SIGNATURE = 32 * 1024**2
"""The largest envelope that is read: it has the manifest in it."""
_EXTRA = "install what signs: uv pip install 'headrace[publish]'"
_KIND = ("ed25519", "ed25519")
_PUBLIC_LENGTH = 64  # hexadecimal digits of a public key
_KEY_FIELD = "key"


@dataclass(frozen=True)
class JobSigner:
    """Signs jobs' zips; made by ``JobSigner.open``."""

    fingerprint: str
    """What those pin who verify: ``sha256:...``."""
    _signer: CryptoSigner

    @classmethod
    def open(cls, folder: Path, password: str | None = None) -> JobSigner:
        """The key of a folder.

        Args:
            folder: The folder, which has ``jobs.pem``.
            password: Its password; else ``HEADRACE_SIGNING_PASSWORD`` has it.

        Raises:
            SiteError: There is none, its password is missing or wrong, or what signs is not
                installed.
        """
        try:
            from cryptography.hazmat.primitives import serialization
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
            from securesystemslib.signer import CryptoSigner
        except ImportError:
            raise SiteError(f"a zip cannot be signed here\n  next: {_EXTRA}") from None
        path = folder / JOB_KEY
        try:
            data = path.read_bytes()
        except OSError as error:
            raise SiteError(
                f"there is no key to sign jobs with: {error.strerror}\n  where: {path}\n"
                f"  next: agents registry keys jobs {folder}"
            ) from None
        said = password or os.environ.get(PASSWORD)
        secret = said.encode() if said and b"ENCRYPTED" in data else None
        try:
            key = serialization.load_pem_private_key(data, secret)
        except TypeError:
            raise SiteError(f"{path} has a password\n  next: set {PASSWORD}") from None
        except ValueError:
            raise SiteError(f"{path} cannot be read: no key, or the password is wrong") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise SiteError(f"{path} is no Ed25519 key\n  next: agents registry keys jobs DIR")
        signer = CryptoSigner(key)
        return cls(_fingerprint(_public(signer)), signer)


def create_job_key(folder: Path, password: str | None = None) -> str:
    """Makes a key that signs jobs.

    Args:
        folder: Where to; it may hold other keys.
        password: Encrypts the file; else ``HEADRACE_SIGNING_PASSWORD`` does, if it is set.

    Returns:
        Its fingerprint, which those pin who verify.

    Raises:
        SiteError: There is one already, or what signs is not installed.
    """
    try:
        from securesystemslib.signer import CryptoSigner

        from headrace_registry.trust._keys import _pem, _write
    except ImportError:
        raise SiteError(f"a key cannot be made here\n  next: {_EXTRA}") from None
    path = folder / JOB_KEY
    if path.exists():
        raise SiteError(f"there is a key already: it is kept\n  where: {path}")
    signer = CryptoSigner.generate_ed25519()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(path, _pem(signer, password or os.environ.get(PASSWORD)), 0o600)
    return _fingerprint(_public(signer))


def sign_manifest(manifest: bytes, signer: JobSigner) -> bytes:
    """The envelope of a manifest: the same for the same manifest and key.

    Args:
        manifest: The bytes of ``job.json``.
        signer: Who signs.
    """
    from securesystemslib.dsse import Envelope

    envelope = Envelope(manifest, PAYLOAD_TYPE, {})
    signature = envelope.sign(signer._signer)  # noqa: SLF001 - of this module
    signature.unrecognized_fields[_KEY_FIELD] = _public(signer._signer)  # noqa: SLF001
    return (json.dumps(envelope.to_dict(), indent=1, sort_keys=True) + "\n").encode()


def read_signature(envelope: bytes, manifest: bytes) -> str:
    """The fingerprint of the key that signed a manifest; needs no more than what verifies.

    Raises:
        TrustError: It is no signature, one of something else, or none that holds.
    """
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError
    from securesystemslib.signer import SSlibKey

    try:
        data = json.loads(envelope)
        (one,) = data["signatures"]
        public = _checked(one[_KEY_FIELD])
        key = SSlibKey(one["keyid"], *_KIND, dict(public["keyval"]))
        signed = Envelope.from_dict(data)
    except TrustError:
        raise
    except Exception as error:  # noqa: BLE001 - libraries read a stranger's data here
        raise TrustError(f"it cannot be read: {type(error).__name__}") from None
    if signed.payload_type != PAYLOAD_TYPE or signed.payload != manifest:
        raise TrustError("it is the signature of something else")
    try:
        signed.verify([key], 1)
    except VerificationError:
        raise TrustError("it was not made by the key that it names, or was changed") from None
    return _fingerprint(public)


def _public(signer: CryptoSigner) -> dict[str, Any]:
    key = signer.public_key
    return {"keytype": key.keytype, "scheme": key.scheme, "keyval": dict(key.keyval)}


def _checked(said: Any) -> dict[str, Any]:
    """A public key of the one kind that is taken, without whatever else stood there."""
    text = said["keyval"]["public"]
    if (said["keytype"], said["scheme"]) != _KIND or len(text) != _PUBLIC_LENGTH:
        raise TrustError("its key is not of the kind that is used here, Ed25519")
    return {
        "keytype": _KIND[0],
        "scheme": _KIND[1],
        "keyval": {"public": bytes.fromhex(text).hex()},
    }


def _fingerprint(public: dict[str, Any]) -> str:
    """Over the key itself, in the form of a registry's fingerprint: an id could be anything."""
    text = json.dumps(public, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
