"""Who built a zip: keys, signatures, and what those see who verify."""

from __future__ import annotations

import base64
import hashlib
import json
import stat
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from headrace_registry.bundle.signing import (
    JobSigner,
    create_job_key,
    read_signature,
    sign_manifest,
)
from headrace_registry.bundle.verifying import VerificationError, verify_zip
from headrace_registry.errors import SiteError, TrustError

from .zips import JobFiles

MANIFEST = b'{"name": "demo"}\n'


@pytest.fixture(autouse=True)
def _no_password(monkeypatch):
    monkeypatch.delenv("HEADRACE_SIGNING_PASSWORD", raising=False)


@pytest.fixture
def keys(tmp_path):
    create_job_key(tmp_path / "keys")
    return tmp_path / "keys"


def signed(path, signer):
    """A signed job's zip."""
    job = JobFiles()
    job.sign = lambda manifest: sign_manifest(manifest, signer)
    return job.write(path)


# ---------------------------------------------------------------- keys


def test_a_key_is_private(keys):
    assert stat.S_IMODE((keys / "jobs.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700


def test_the_fingerprint_is_that_of_the_public_key(keys):
    pem = serialization.load_pem_private_key((keys / "jobs.pem").read_bytes(), None)
    public = pem.public_key().public_bytes_raw().hex()
    text = f'{{"keytype":"ed25519","keyval":{{"public":"{public}"}},"scheme":"ed25519"}}'
    expected = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    assert JobSigner.open(keys).fingerprint == expected


def test_a_key_is_never_replaced(keys):
    before = (keys / "jobs.pem").read_bytes()
    with pytest.raises(SiteError, match="there is a key already"):
        create_job_key(keys)
    assert (keys / "jobs.pem").read_bytes() == before


def test_a_registrys_keys_may_lie_in_the_same_folder(keys, tmp_path):
    from headrace_registry.trust import Keys, create_keys

    both = tmp_path / "both"
    create_keys(both)
    create_job_key(both)
    assert Keys.open(both).signer("online") is not None
    assert JobSigner.open(both).fingerprint != JobSigner.open(keys).fingerprint


def test_a_key_with_a_password_signs_with_it_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("HEADRACE_SIGNING_PASSWORD", "open sesame")
    made = create_job_key(tmp_path)
    assert b"ENCRYPTED" in (tmp_path / "jobs.pem").read_bytes()
    assert JobSigner.open(tmp_path).fingerprint == made
    monkeypatch.setenv("HEADRACE_SIGNING_PASSWORD", "wrong")
    with pytest.raises(SiteError, match="password is wrong"):
        JobSigner.open(tmp_path)
    monkeypatch.delenv("HEADRACE_SIGNING_PASSWORD")
    with pytest.raises(SiteError, match="set HEADRACE_SIGNING_PASSWORD"):
        JobSigner.open(tmp_path)


def test_a_folder_without_a_key_is_told_with_what_makes_one(tmp_path):
    with pytest.raises(SiteError, match="agents registry keys jobs"):
        JobSigner.open(tmp_path)


def test_a_key_of_another_kind_is_refused(tmp_path):
    pem = generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (tmp_path / "jobs.pem").write_bytes(pem)
    with pytest.raises(SiteError, match="no Ed25519 key"):
        JobSigner.open(tmp_path)


# ---------------------------------------------------------------- the envelope


def test_a_signature_tells_its_key(keys):
    signer = JobSigner.open(keys)
    assert read_signature(sign_manifest(MANIFEST, signer), MANIFEST) == signer.fingerprint


def test_the_same_manifest_is_signed_with_the_same_bytes(keys):
    assert sign_manifest(MANIFEST, JobSigner.open(keys)) == sign_manifest(
        MANIFEST, JobSigner.open(keys)
    )


def test_any_tool_that_knows_the_standard_verifies_it(keys):
    """By the words of DSSE's own description, with nothing of ours."""
    envelope = json.loads(sign_manifest(MANIFEST, JobSigner.open(keys)))
    (signature,) = envelope["signatures"]
    assert base64.b64decode(envelope["payload"]) == MANIFEST
    kind = envelope["payloadType"].encode()
    assert kind == b"application/vnd.headrace.job+json"
    bound = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(MANIFEST), MANIFEST)
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signature["key"]["keyval"]["public"]))
    key.verify(base64.b64decode(signature["sig"]), bound)


def test_a_signature_of_something_else_is_refused(keys):
    with pytest.raises(TrustError, match="of something else"):
        read_signature(sign_manifest(b"{}", JobSigner.open(keys)), MANIFEST)


def test_a_signature_for_another_purpose_is_refused(keys):
    from securesystemslib.dsse import Envelope

    signer = JobSigner.open(keys)
    right = json.loads(sign_manifest(MANIFEST, signer))
    other = Envelope(MANIFEST, "application/vnd.in-toto+json", {})
    other.sign(signer._signer)
    wrong = other.to_dict()
    wrong["signatures"][0]["key"] = right["signatures"][0]["key"]
    with pytest.raises(TrustError, match="of something else"):
        read_signature(json.dumps(wrong).encode(), MANIFEST)


def test_a_signature_under_a_strangers_key_does_not_hold(keys, tmp_path):
    """The key stands in the envelope: whoever puts in another one must sign with that."""
    create_job_key(tmp_path / "other")
    mine = json.loads(sign_manifest(MANIFEST, JobSigner.open(keys)))
    other = json.loads(sign_manifest(MANIFEST, JobSigner.open(tmp_path / "other")))
    other["signatures"][0]["key"] = mine["signatures"][0]["key"]
    with pytest.raises(TrustError, match="not made by the key"):
        read_signature(json.dumps(other).encode(), MANIFEST)


def test_an_id_that_a_stranger_gave_his_key_is_not_believed(keys, tmp_path):
    create_job_key(tmp_path / "other")
    mine = json.loads(sign_manifest(MANIFEST, JobSigner.open(keys)))
    other = json.loads(sign_manifest(MANIFEST, JobSigner.open(tmp_path / "other")))
    other["signatures"][0]["keyid"] = mine["signatures"][0]["keyid"]
    found = read_signature(json.dumps(other).encode(), MANIFEST)
    assert found == JobSigner.open(tmp_path / "other").fingerprint


def _changed(envelope, change):
    data = json.loads(envelope)
    change(data, data["signatures"][0])
    return json.dumps(data).encode()


@pytest.mark.parametrize(
    "change",
    [
        lambda data, one: one.pop("key"),
        lambda data, one: one.update(sig="no base64!"),
        lambda data, one: one.update(sig=base64.b64encode(bytes(64)).decode()),
        lambda data, one: one.update(sig=""),
        lambda data, one: one["key"].update(scheme="rsassa-pss-sha256"),
        lambda data, one: one["key"]["keyval"].update(public="00" * 32),
        lambda data, one: one["key"]["keyval"].update(public="x" * 64),
        lambda data, one: one["key"]["keyval"].update(public="00"),
        lambda data, one: data.update(signatures=[]),
        lambda data, one: data["signatures"].append(dict(one)),
        lambda data, one: data.pop("payload"),
        lambda data, one: data.update(payload=7),
    ],
)
def test_an_envelope_that_was_changed_is_refused(keys, change):
    envelope = _changed(sign_manifest(MANIFEST, JobSigner.open(keys)), change)
    with pytest.raises(TrustError):
        read_signature(envelope, MANIFEST)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000])
def test_what_is_no_envelope_is_refused(data):
    with pytest.raises(TrustError, match="cannot be read"):
        read_signature(data, MANIFEST)


# ---------------------------------------------------------------- zips


def test_a_signer_is_told_and_by_itself_not_trusted(keys, tmp_path):
    signer = JobSigner.open(keys)
    done = verify_zip(signed(tmp_path / "job.zip", signer))
    assert (done.signer, done.trusted) == (signer.fingerprint, False)


def test_a_zip_that_one_of_the_keys_signed_is_trusted(keys, tmp_path):
    signer = JobSigner.open(keys)
    done = verify_zip(
        signed(tmp_path / "job.zip", signer), keys=["sha256:" + "0" * 64, signer.fingerprint]
    )
    assert (done.signer, done.trusted) == (signer.fingerprint, True)


def test_a_zip_that_another_key_signed_is_refused_with_both_named(keys, tmp_path):
    wanted = create_job_key(tmp_path / "other")
    signer = JobSigner.open(keys)
    with pytest.raises(VerificationError) as error:
        verify_zip(signed(tmp_path / "job.zip", signer), keys=[wanted])
    assert wanted in str(error.value)
    assert signer.fingerprint in str(error.value)


def test_a_signature_taken_from_another_job_is_refused(keys, tmp_path):
    job = JobFiles()
    job.sign = lambda manifest: sign_manifest(manifest + b" ", JobSigner.open(keys))
    with pytest.raises(VerificationError, match="its signature does not hold"):
        verify_zip(job.write(tmp_path / "job.zip"))


def test_a_signature_does_not_change_the_jobs_digest(keys, tmp_path):
    plain = verify_zip(JobFiles().write(tmp_path / "plain.zip"))
    assert verify_zip(signed(tmp_path / "job.zip", JobSigner.open(keys))).digest == plain.digest


def test_verifying_needs_no_library_that_signs(keys, tmp_path):
    """Workers' machines and cut-off sites have the plain registry package alone."""
    signer = JobSigner.open(keys)
    path = signed(tmp_path / "job.zip", signer)
    code = f"""
import sys
sys.modules["cryptography"] = None
from pathlib import Path
from headrace_registry.bundle.verifying import verify_zip
print(verify_zip(Path({str(path)!r}), keys=[{signer.fingerprint!r}]).trusted)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "True\n", done.stderr
