"""What is left of a wheel without the files that no worker needs; and its RECORD says so."""

from __future__ import annotations

import csv

import pytest

from headrace_registry.bundle._choosing import Chosen
from headrace_registry.bundle._members import read_wheel
from headrace_registry.bundle._trimming import trimmed
from headrace_registry.bundle.engines import engine_for
from headrace_registry.locking.install_plan import Step

from .made import Wheels, hexadecimal, unpadded

ENGINE = engine_for("2.3.0")
RECORD = "site-packages/{}.dist-info/RECORD"


@pytest.fixture
def wheels(tmp_path):
    return Wheels(tmp_path / "project")


def chosen(wheels, name):
    lock = wheels.lock()
    package = lock.package(name)
    path = wheels.folder / package.wheels[0].path
    wheel = read_wheel(path, package.wheels[0].sha256, wheels.folder.parent / "cache")
    return Chosen(Step(package, package.wheels[0]), wheel, path, "the engine")


def rows(kept, info):
    text = kept.rewritten[RECORD.format(info)].decode()
    return {row[0]: (row[1], row[2]) for row in csv.reader(text.splitlines())}


def beam(wheels):
    wheels.add(
        "apache-beam",
        "2.61.0",
        files={
            "apache_beam/__init__.py": b"",
            "apache_beam/pipeline_test.py": b"test",
            "apache_beam/ml/models.py": b"model",
        },
    )
    return chosen(wheels, "apache-beam")


def paths(kept):
    return {one.path.removeprefix("site-packages/") for one in kept.wheel.members}


def test_files_that_only_the_engine_would_need_stay_behind(wheels):
    kept = trimmed(beam(wheels), ENGINE, shared=False)
    assert "apache_beam/__init__.py" in paths(kept)
    assert not {"apache_beam/pipeline_test.py", "apache_beam/ml/models.py"} & paths(kept)
    assert kept.reasons["its tests"] == 1


def test_where_more_than_the_engine_uses_a_package_only_the_harmless_stay_behind(wheels):
    kept = trimmed(beam(wheels), ENGINE, shared=True)
    assert "apache_beam/ml/models.py" in paths(kept)
    assert "apache_beam/pipeline_test.py" not in paths(kept)


def test_without_knowledge_of_the_engine_all_goes_in(wheels):
    kept = trimmed(beam(wheels), None, shared=False)
    assert {"apache_beam/ml/models.py", "apache_beam/pipeline_test.py"} <= paths(kept)
    assert (dict(kept.rewritten), dict(kept.reasons)) == ({}, {})


def test_the_record_lists_what_is_there_and_nothing_else(wheels):
    kept = trimmed(beam(wheels), ENGINE, shared=False)
    info = "apache_beam-2.61.0.dist-info"
    listed = rows(kept, "apache_beam-2.61.0")
    assert set(listed) == paths(kept) | {
        path.removeprefix("site-packages/") for path in kept.rewritten
    }
    assert listed["apache_beam/__init__.py"] == (f"sha256={unpadded(b'')}", "0")
    assert listed[f"{info}/RECORD"] == ("", "")


def test_a_file_that_goes_elsewhere_is_listed_where_it_is(wheels):
    wheels.add("fmt", files={"fmt-1.0.data/scripts/fmt": b"\x7fELF", "fmt/__init__.py": b""})
    kept = trimmed(chosen(wheels, "fmt"), None, shared=True)
    listed, packed = rows(kept, "fmt-1.0"), unpadded(b"\x7fELF")
    assert listed["bin/fmt"] == (f"sha256={packed}", "4")
    assert not any(".data/" in path for path in listed)
    assert dict(kept.reasons) == {}


def test_a_wheel_that_is_whole_keeps_its_own_record(wheels):
    path = wheels.add("colours")
    kept = trimmed(chosen(wheels, "colours"), ENGINE, shared=True)
    assert dict(kept.rewritten) == {}
    (record,) = [one for one in kept.wheel.members if one.path.endswith("/RECORD")]
    import zipfile

    with zipfile.ZipFile(path) as archive:
        own = archive.read("colours-1.0.dist-info/RECORD")
    assert record.sha256 == hexadecimal(own)
