"""What is told of a zip, and of the differences between two."""

from __future__ import annotations

import zipfile
import zlib

import pytest

from headrace import AgentBuilder, AgentPlan, InputEvent
from headrace_registry.bundle.inspecting import difference, inspect_zip
from headrace_registry.bundle.signing import JobSigner, create_job_key, sign_manifest
from headrace_registry.bundle.verifying import VerificationError

from .zips import JobFiles, echo, entries, put


@pytest.fixture
def old(tmp_path):
    return JobFiles().write(tmp_path / "old.zip")


@pytest.fixture
def new(tmp_path):
    """Writes a changed job."""

    def write(job):
        return job.write(tmp_path / "new.zip")

    return write


# ---------------------------------------------------------------- one


def test_the_parts_of_its_size_are_all_of_it(tmp_path):
    job = JobFiles()
    job.jar("connector.jar", b"x" * 500)
    job.package("engine-part", "1", {"part.py": b"y" * 100}, engine=True)
    path = job.write(tmp_path / "job.zip")
    found = inspect_zip(path)
    packed = {info.filename: info.compress_size for info, _ in entries(path)}
    assert sum(found.parts.values()) == path.stat().st_size
    assert found.parts["jars"] == 500
    assert found.parts["code"] == packed["app/echo.py"]
    assert found.parts["engine"] == job.packages[-1]["size"]


def test_a_zip_that_is_wrong_is_not_shown_unless_one_asks_for_it(tmp_path):
    job = JobFiles()
    job.late = {"app/echo.py": b"evil"}
    path = job.write(tmp_path / "job.zip")
    with pytest.raises(VerificationError):
        inspect_zip(path)
    found = inspect_zip(path, verify=False)
    assert not found.verified
    assert list(found.plans) == ["echo"]


def test_a_signature_that_does_not_hold_is_told_of_a_zip_that_is_only_looked_at(tmp_path):
    job = JobFiles()
    job.sign = lambda _manifest: b"{}"
    found = inspect_zip(job.write(tmp_path / "job.zip"), verify=False)
    assert found.signer is None
    assert "does not hold" in found.notes[0]


def test_a_plan_that_is_none_is_an_error_even_so(tmp_path):
    job = JobFiles()
    job.files["plans/echo.json"] = b"{}"
    with pytest.raises(VerificationError, match="is no plan"):
        inspect_zip(job.write(tmp_path / "job.zip"), verify=False)


# ---------------------------------------------------------------- two


def test_two_zips_of_one_build_differ_in_nothing(old, new):
    assert difference(old, new(JobFiles())) == []


def test_a_signature_is_no_difference(old, new, tmp_path):
    create_job_key(tmp_path / "keys", "password")
    job = JobFiles()
    job.sign = lambda data: sign_manifest(data, JobSigner.open(tmp_path / "keys", "password"))
    assert difference(old, new(job)) == []


def test_code_that_was_added_removed_and_changed_is_named(old, new):
    job = JobFiles()
    job.files |= {"app/new.py": b"", "main.py": b"other"}
    job.files["app/moved.py"] = job.files.pop("app/echo.py")
    assert difference(old, new(job)) == [
        "app/echo.py: removed",
        "app/moved.py: added",
        "app/new.py: added",
        "main.py: changed",
    ]


def test_packages_are_told_by_their_versions_and_not_file_by_file(old, new):
    job = JobFiles()
    for name in [one for one in job.files if "acme" in one]:
        del job.files[name]
    job.packages.pop()
    job.package("acme.tools", "1.3.0", {"acme/__init__.py": b"new", "acme/more.py": b""})
    job.package("extra", "1", {"extra.py": b""})
    assert difference(old, new(job)) == [
        "package acme-tools: 1.2.0 -> 1.3.0",
        "package extra 1: added",
    ]


def test_a_package_from_another_wheel_is_told(old, new):
    job = JobFiles()
    job.packages[-1] |= {"sha256": "0" * 64}
    (line,) = difference(old, new(job))
    assert line.startswith("package acme-tools 1.2.0: another wheel")
    assert line.endswith("-> acme_tools-1.2.0-py3-none-any.whl (000000000000)")


def test_plans_are_told_by_what_changed_in_them(old, new):
    job = JobFiles()
    job.plans.clear()
    agent = AgentBuilder("echo").action(echo, InputEvent, timeout=7)
    job.plan(AgentPlan.from_agent(agent))
    assert difference(old, new(job)) == ["agent echo.actions.echo.timeout: added: 7.0"]


def test_agents_that_came_and_went_are_told(old, new):
    job = JobFiles()
    job.plans.clear()
    del job.files["plans/echo.json"]
    job.plan(AgentPlan.from_agent(AgentBuilder("other").action(echo, InputEvent)))
    assert difference(old, new(job)) == ["agent other: added", "agent echo: removed"]


def test_what_else_the_manifest_says_is_told_by_name(old, new):
    job = JobFiles()
    job.manifest |= {
        "python": "3.12",
        "settings": {"parallelism.default": "4"},
        "secrets": [{"name": "API_KEY", "used_by": "llm"}],
    }
    assert set(difference(old, new(job))) == {
        "python: 3.11 -> 3.12",
        "settings.parallelism.default: added: 4",
        "secrets.API_KEY: added",
    }


def test_a_run_bit_is_a_difference(old, new):
    job = JobFiles()
    job.executables.add("app/echo.py")
    assert difference(old, new(job)) == ["app/echo.py: got its run bit"]


def test_equal_files_that_are_packed_otherwise_are_told(old, tmp_path):
    """Whoever checks that a zip can be built again compares bytes."""
    again = tmp_path / "again.zip"
    with zipfile.ZipFile(again, "w") as archive:
        for info, data in entries(old):
            how = zipfile.ZIP_DEFLATED if info.filename == "app/echo.py" else info.compress_type
            put(archive, info.filename, data, info.external_attr >> 16, how)
    assert difference(old, again) == ["packed otherwise: app/echo.py"]


def test_other_packed_bytes_of_one_length_are_told(tmp_path):
    """Another packer may fill the last byte's unused bits otherwise."""
    old = JobFiles().write(tmp_path / "old.zip")
    data = bytearray(old.read_bytes())
    with zipfile.ZipFile(old) as archive:
        for info in archive.infolist():
            start = info.header_offset + 30 + len(info.filename)
            packed = bytearray(data[start : start + info.compress_size])
            if info.compress_type == zipfile.ZIP_DEFLATED and packed:
                packed[-1] ^= 0x80
                if zlib.decompressobj(-15).decompress(bytes(packed)) == archive.read(info):
                    break
    data[start : start + len(packed)] = packed
    again = tmp_path / "again.zip"
    again.write_bytes(data)
    assert difference(old, again) == [f"packed otherwise: {info.filename}"]


def test_another_order_is_told(old, tmp_path):
    again = tmp_path / "again.zip"
    with zipfile.ZipFile(again, "w") as archive:
        for info, data in reversed(entries(old)):
            put(archive, info.filename, data, info.external_attr >> 16, info.compress_type)
    assert difference(old, again) == ["packed otherwise: its files are in another order"]
