"""`agents verify`: what is printed, and with which exit code."""

from __future__ import annotations

import json

import pytest

from headrace_registry.bundle.signing import JobSigner, create_job_key, sign_manifest

from ..registry.bundle.zips import JobFiles  # noqa: TID252 - tests are no package to name


@pytest.fixture
def zipped(place):
    return JobFiles().write(place.folder / "job.zip")


@pytest.fixture
def signed(place):
    """A signed zip, and its key's fingerprint."""
    key = create_job_key(place.folder / "keys", "password")
    job = JobFiles()
    signer = JobSigner.open(place.folder / "keys", "password")
    job.sign = lambda manifest: sign_manifest(manifest, signer)
    return job.write(place.folder / "signed.zip"), key


@pytest.fixture
def broken(place):
    job = JobFiles()
    job.late = {"app/echo.py": b"evil", "main.py": None}
    return job.write(place.folder / "broken.zip")


def test_a_right_zip_is_told_on_a_few_lines(place, zipped):
    result = place.run("verify", zipped)
    assert result.exit_code == 0
    assert "as it was built: job demo, 17 files" in result.stdout
    assert "Python 3.11 on linux/amd64, apache-flink 2.3 (provided)" in result.stdout
    assert "signed:  no" in result.stdout
    assert result.stderr == ""


def test_the_faults_of_a_wrong_one_end_with_exit_code_1(place, broken):
    result = place.run("verify", broken)
    assert result.exit_code == 1
    assert "changed: app/echo.py" in result.stderr
    assert "missing: main.py" in result.stderr
    assert "next:" in result.stderr
    assert "Traceback" not in result.stderr


def test_programs_read_the_same_as_json(place, zipped, broken):
    right = json.loads(place.run("verify", zipped, "--json").stdout)
    assert (right["ok"], right["name"], right["python"]) == (True, "demo", "3.11")
    result = place.run("verify", broken, "--json")
    wrong = json.loads(result.stdout)
    assert result.exit_code == 1
    assert not wrong["ok"]
    assert {"changed: app/echo.py", "missing: main.py"} <= set(wrong["faults"])


def test_a_signer_is_shown_and_said_not_to_be_checked(place, signed):
    path, key = signed
    result = place.run("verify", path)
    assert f"signed:  by {key}, not checked against a key of yours" in result.stdout


def test_a_zip_that_ones_key_signed(place, signed):
    path, key = signed
    result = place.run("verify", path, "--key", key)
    assert f"signed:  by {key}, a key of yours" in result.stdout


def test_with_a_key_an_unsigned_zip_and_a_strangers_are_refused(place, zipped, signed):
    for path in (zipped, signed[0]):
        result = place.run("verify", path, "--key", "sha256:" + "0" * 64)
        assert result.exit_code == 1
        assert "signed" in result.stderr


def test_a_key_that_is_none_is_bad_usage(place, zipped):
    result = place.run("verify", zipped, "--key", "abc")
    assert result.exit_code == 2
    assert "no fingerprint" in result.stderr


def test_the_projects_keys_are_asked_for_by_themselves(place, zipped, signed):
    path, key = signed
    place.write("pyproject.toml", f'[tool.agents.bundle]\nkeys = ["{key}"]\n')
    assert place.run("verify", path).exit_code == 0
    assert place.run("verify", zipped).exit_code == 1


def test_a_file_that_is_not_there_is_bad_usage(place):
    assert place.run("verify", "none.zip").exit_code == 2


def test_a_wheel_is_told_to_be_one(place):
    import zipfile

    with zipfile.ZipFile(place.folder / "acme.whl", "w") as archive:
        archive.writestr("acme-1.0.dist-info/WHEEL", "")
    result = place.run("verify", "acme.whl")
    assert result.exit_code == 1
    assert "it is a wheel, of acme 1.0" in result.stderr


def test_a_key_for_jobs_is_made_once_and_its_fingerprint_shown_again(place):
    made = place.run("registry", "keys", "jobs", "keys")
    assert made.exit_code == 0
    assert made.stdout.startswith("sha256:")
    pem = (place.folder / "keys/jobs.pem").read_bytes()
    assert place.run("registry", "keys", "jobs", "keys").stdout == made.stdout
    assert (place.folder / "keys/jobs.pem").read_bytes() == pem
