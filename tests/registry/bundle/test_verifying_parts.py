"""What has to hold between the parts: plans, jars, lock, packages, bill of materials, target."""

from __future__ import annotations

import pytest

from headrace_registry.bundle.verifying import VerificationError, verify_zip

from .zips import JobFiles, plan


@pytest.fixture
def job():
    return JobFiles()


@pytest.fixture
def zipped(tmp_path):
    return tmp_path / "job.zip"


def faults(job, path):
    """What is found wrong with a job, packed here."""
    with pytest.raises(VerificationError) as error:
        verify_zip(job.write(path))
    return error.value.faults


# ---------------------------------------------------------------- parts


def test_a_plan_that_nobody_named(job, zipped):
    job.files["plans/other.json"] = plan("other").model_dump_json().encode()
    assert faults(job, zipped) == ("plans/other.json: a plan that job.json does not name",)


@pytest.mark.parametrize(
    ("data", "why"),
    [(plan("other").model_dump_json().encode(), "another plan"), (b"{}", "is no plan")],
)
def test_a_plan_that_is_not_the_one_of_its_digest(job, zipped, data, why):
    job.files["plans/echo.json"] = data
    (fault,) = faults(job, zipped)
    assert fault.startswith("plans/echo.json: ")
    assert why in fault


def test_a_plan_of_a_later_headrace(job, zipped):
    job.files["plans/echo.json"] = b'{"format": 99}'
    assert "format 99" in faults(job, zipped)[0]


def test_a_job_without_a_plan(job, zipped):
    job.plans.clear()
    del job.files["plans/echo.json"]
    assert "nothing to run" in faults(job, zipped)[0]


@pytest.mark.parametrize("name", ["bin/python", "main.py", "pylock.toml", "sbom.cdx.json"])
def test_a_part_that_was_never_there(job, zipped, name):
    job.without = [name]
    assert any(one.startswith(f"{name}: a job's zip has it") for one in faults(job, zipped))


@pytest.mark.parametrize(("jars", "files"), [(["jars/a.jar"], []), ([], ["jars/a.jar"])])
def test_jars_are_those_of_the_manifest(job, zipped, jars, files):
    job.jars = jars
    job.files |= dict.fromkeys(files, b"PK")
    assert "jars/a.jar" in faults(job, zipped)[0]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"sha256": "0" * 64}, "its wheel is not the one of pylock.toml"),
        ({"version": "1.2.1", "wheel": "acme_tools-1.2.1-py3-none-any.whl"}, "is not in pylock"),
    ],
)
def test_a_package_that_is_not_locked_so(job, zipped, change, why):
    job.files["pylock.toml"] = job.lock()
    job.packages[-1] |= change
    assert any(why in one for one in faults(job, zipped))


@pytest.mark.parametrize("text", [b"[[packages", b"lock-version = '9.0'\n", b"\xff"])
def test_a_lock_that_is_none(job, zipped, text):
    job.files["pylock.toml"] = text
    assert "pylock.toml: is no lock" in faults(job, zipped)[0]


@pytest.mark.parametrize(
    "change", [{"version": "1.1.9"}, {"name": "acme-tools2"}, {"sha256": "0" * 64}], ids=str
)
def test_a_bill_of_materials_of_other_packages(job, zipped, change):
    """Auditors read it, and would find nothing in it."""
    other = JobFiles()
    other.packages[-1] |= change
    job.files["sbom.cdx.json"] = other.sbom()
    (fault,) = faults(job, zipped)
    assert fault.startswith("sbom.cdx.json: lists other packages than job.json: acme-tools")


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"components": [1]}', b"[" * 100_000])
def test_a_bill_of_materials_that_is_none(job, zipped, data):
    job.files["sbom.cdx.json"] = data
    assert faults(job, zipped) == ("sbom.cdx.json: is no bill of materials of a job",)


def test_a_package_that_lacks_a_file_that_it_should_have(job, zipped):
    del job.files["site-packages/acme/clock.py"]
    (fault,) = faults(job, zipped)
    assert fault.startswith("package acme-tools: lacks 1 of its files")
    assert "site-packages/acme/clock.py" in fault


def test_a_package_with_a_file_that_is_not_its_own(job, zipped):
    job.files["site-packages/acme/clock.py"] = b"now = 3\n"
    assert faults(job, zipped) == (
        "site-packages/acme/clock.py: is not what the RECORD of acme-tools says",
    )


def test_a_module_that_no_package_brought(job, zipped):
    """It would be imported by every worker at its start."""
    job.files["site-packages/sitecustomize.py"] = b"import evil\n"
    assert faults(job, zipped) == ("site-packages/sitecustomize.py: belongs to no package",)


def test_a_package_that_the_manifest_does_not_name(job, zipped):
    job.packages.pop()
    assert set(faults(job, zipped)) == {
        "site-packages/acme_tools-1.2.0.dist-info: is of no package that job.json names",
        "site-packages/acme/__init__.py: belongs to no package",
        "site-packages/acme/clock.py: belongs to no package",
    }


def test_a_package_that_is_not_there(job, zipped):
    for name in [one for one in job.files if "acme" in one]:
        del job.files[name]
    (fault,) = faults(job, zipped)
    assert fault.startswith("package acme-tools 1.2.0: has no .dist-info folder")


@pytest.mark.parametrize("name", ["RECORD", "METADATA"])
def test_a_package_without_what_makes_it_found(job, zipped, name):
    del job.files[f"site-packages/acme_tools-1.2.0.dist-info/{name}"]
    assert any("lacks" in one and "acme-tools" in one for one in faults(job, zipped))


# ---------------------------------------------------------------- target


@pytest.mark.parametrize("said", [{"python": "2.7"}, {"platform": "plan9/mips"}])
def test_a_target_that_nobody_knows(job, zipped, said):
    job.manifest |= said
    assert "known are 3.10" in faults(job, zipped)[0]


@pytest.mark.parametrize(
    ("said", "tags"),
    [
        ({"platform": "linux/arm64"}, "cp311-cp311-manylinux_2_28_x86_64"),
        ({"python": "3.12"}, "cp311-cp311-manylinux_2_28_x86_64"),
        ({}, "cp311-cp311-macosx_14_0_arm64"),
    ],
)
def test_a_wheel_for_another_machine(job, zipped, said, tags):
    job.manifest |= said
    job.packages[-1]["wheel"] = f"acme_tools-1.2.0-{tags}.whl"
    (fault,) = faults(job, zipped)
    assert "acme-tools" in fault
    assert "is not for Python" in fault


def test_a_wheel_of_another_package(job, zipped):
    job.packages[-1]["wheel"] = "other-1.2.0-py3-none-any.whl"
    assert "its wheel is other-1.2.0" in faults(job, zipped)[0]
