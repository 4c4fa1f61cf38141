"""What of Flink's Python side travels: the data, held against what is installed, and run."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from headrace_registry.bundle.engines import engine_for

needs_flink = pytest.mark.skipif(
    importlib.util.find_spec("pyflink") is None, reason="PyFlink is not installed"
)

FLINK = "2.3.0" if importlib.util.find_spec("pyflink") is None else metadata.version("apache-flink")
ENGINE = engine_for(FLINK)
assert ENGINE is not None
SITE = Path(sysconfig.get_path("purelib"))
JOB = Path(__file__).with_name("engine_job.py")

TRIMS = [(name, trim.glob) for name, trims in ENGINE.trimmed.items() for trim in trims]
STAND_INS = [(name, one) for name, ones in ENGINE.stand_ins.items() for one in ones]


def required(root: str, stop: frozenset[str] | set[str] = frozenset()) -> dict[str, str]:
    """What a distribution requires, directly or not, with the versions that are installed."""
    found: dict[str, str] = {}
    todo = [root]
    while todo:
        name = todo.pop()
        if name in found or name in stop:
            continue
        distribution = metadata.distribution(name)
        found[name] = distribution.version
        for text in distribution.requires or ():
            one = Requirement(text)
            if one.marker is None or one.marker.evaluate({"extra": ""}):
                todo.append(str(canonicalize_name(one.name)))
    return found


def files_of(name: str) -> list[str]:
    """A wheel's files in site-packages."""
    listed = metadata.distribution(name).files or ()
    return [
        str(one)
        for one in listed
        if not str(one).endswith(".pyc") and not one.is_absolute() and ".." not in one.parts
    ]


@pytest.fixture(scope="module")
def installed():
    return required("apache-flink")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder of exactly what goes in: the engine's share, and headrace with what it requires."""
    folder = tmp_path_factory.mktemp("kept")
    ours = {
        name: version
        for root in ("headrace-core", "headrace-skills")
        for name, version in required(root).items()
    }
    of_engine = required("apache-flink", set(ENGINE.left_out))
    for name, version in {**of_engine, **ours}.items():
        trims = ENGINE.trims(name, version, shared=name in ours)
        instead = {one.path: one.text for one in ENGINE.instead(name, version, shared=name in ours)}
        for path in files_of(name):
            if any(path in trim for trim in trims):
                continue
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if path in instead:
                target.write_text(instead[path])
                continue
            try:
                os.link(SITE / path, target)
            except OSError:  # another file system
                shutil.copy2(SITE / path, target)
    for module in ("headrace", "headrace_skills"):
        (home,) = importlib.util.find_spec(module).submodule_search_locations
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(home, folder / module, ignore=ignored, dirs_exist_ok=True)
    return folder


def bare(kept: Path, *arguments: str, **more: str) -> str:
    """Runs a Python that has nothing but that folder."""
    done = subprocess.run(
        [sys.executable, "-S", *arguments],
        env={"PATH": os.defpath, "PYTHONPATH": str(kept), "PYTHONDONTWRITEBYTECODE": "1", **more},
        capture_output=True,
        text=True,
        timeout=280,  # as long as a test may take, nearly
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


# ------------------------------------------------------------------------------ which versions
@pytest.mark.parametrize("version", ["2.3.0", "2.3.1", "2.3", "2.3.0rc1"])
def test_a_line_of_releases_has_one_engine(version):
    assert engine_for(version).line == "2.3"


@pytest.mark.parametrize("line", ["2.0", "2.1", "2.2", "2.3"])
def test_each_line_that_is_supported_has_an_engine(line):
    assert engine_for(f"{line}.1").line == line


@pytest.mark.parametrize("version", ["2.4.0", "1.20.3", "3", "", "two"])
def test_of_other_lines_nothing_is_known(version):
    assert engine_for(version) is None


def test_files_are_trimmed_of_proven_versions_only():
    assert ENGINE.trims("numpy", "2.1.3")
    assert ENGINE.trims("numpy", "2.2.0") == ()
    assert ENGINE.trims("numpy", "no version") == ()
    assert ENGINE.trims("unheard-of", "1.0") == ()


def test_a_file_is_replaced_in_proven_versions_only():
    assert ENGINE.instead("apache-beam", "2.61.0")
    assert ENGINE.instead("apache-beam", "2.62.0") == ()


def test_what_other_packages_use_too_keeps_all_that_a_program_may_need():
    globs = {trim.glob for trim in ENGINE.trims("apache-beam", "2.61.0", shared=True)}
    assert "apache_beam/*_test.py" in globs
    assert not any("/io/" in glob or "/ml/" in glob for glob in globs)
    assert ENGINE.instead("apache-beam", "2.61.0", shared=True) == ()


PROVEN = {"apache-flink": FLINK, "apache-beam": "2.61.0", "numpy": "2.1.3"}


def test_with_the_proven_versions_all_of_it_holds():
    assert ENGINE.held_to(PROVEN) == ENGINE
    assert ENGINE.unproven(PROVEN) == ()


@pytest.mark.parametrize("moved", [{"apache-beam": "2.62.0"}, {"apache-flink": f"{FLINK}.1"}])
def test_with_another_flink_or_beam_only_jars_and_tests_stay_behind(moved):
    held = ENGINE.held_to({**PROVEN, **moved})
    assert set(held.left_out) == {"apache-flink-libraries"}
    assert held.instead("apache-beam", "2.61.0") == ()
    assert held.trims("fastavro", "1.13.1") == ENGINE.trims("fastavro", "1.13.1", shared=True)
    assert held.trims("numpy", "2.1.3")


def test_a_package_that_goes_in_whole_for_its_version_is_told():
    [told] = ENGINE.unproven({**PROVEN, "numpy": "2.1.4"})
    assert told.startswith("numpy 2.1.4 goes in whole")
    assert "2.1.3" in told


def test_a_left_out_package_is_not_told_for_its_version():
    assert ENGINE.unproven({**PROVEN, "pandas": "2.2.2"}) == ()


# ------------------------------------------------------------------------------------- the data
@needs_flink
def test_all_that_is_left_out_is_what_flink_requires(installed):
    assert set(ENGINE.left_out) - set(installed) == set()


@needs_flink
def test_nothing_is_left_in_that_only_left_out_packages_require(installed):
    assert set(required("apache-flink", set(ENGINE.left_out))) == set(installed) - set(
        ENGINE.left_out
    )


@needs_flink
def test_all_that_is_trimmed_was_proven_with_the_installed_versions(installed):
    assert set(ENGINE.proven) == {*ENGINE.trimmed, *ENGINE.stand_ins}
    assert ENGINE.unproven(installed) == ()


@needs_flink
@pytest.mark.parametrize(("name", "glob"), TRIMS)
def test_each_trim_matches_a_file(name, glob):
    [trim] = [one for one in ENGINE.trimmed[name] if one.glob == glob]
    assert any(path in trim for path in files_of(name))


@needs_flink
@pytest.mark.parametrize("name", ENGINE.trimmed)
def test_licences_and_metadata_are_never_trimmed(name):
    papers = [path for path in files_of(name) if ".dist-info/" in path or "LICEN" in path]
    assert papers
    trims = ENGINE.trimmed[name]
    assert [path for path in papers if any(path in trim for trim in trims)] == []


@needs_flink
@pytest.mark.parametrize(("name", "one"), STAND_INS, ids=lambda one: getattr(one, "path", one))
def test_a_stand_in_takes_the_place_of_a_file_and_says_that_it_does(name, one):
    assert one.path in files_of(name)
    assert not any(one.path in trim for trim in ENGINE.trimmed[name])
    assert "headrace put it here in place of" in one.text.replace("\n", " ")


@needs_flink
def test_what_starts_a_worker_goes_in_with_its_run_bit(kept):
    assert os.access(kept / "pyflink/bin/pyflink-udf-runner.sh", os.X_OK)


# ------------------------------------------------------------------------------- what is in it
def missing_libraries(folder: Path) -> set[tuple[str, str]]:
    """Each native file of a folder, with each library that it needs and that is not found."""
    native = sorted(path for path in folder.rglob("*") if re.search(r"\.so(\.[\d.]+)?$", path.name))
    assert native
    done = subprocess.run(
        ["ldd", *map(str, native)], capture_output=True, text=True, timeout=120, check=False
    )
    missing = set()
    file = ""
    for line in done.stdout.splitlines():
        if not line.startswith("\t"):
            file = str(Path(line.rstrip(":")).relative_to(folder))
        elif line.endswith("=> not found"):
            missing.add((file, line.split()[0]))
    return missing


@needs_flink
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("ldd") is None, reason="there is no ldd")
def test_every_library_that_a_native_file_needs_is_there(kept):
    assert missing_libraries(kept) == set()


@needs_flink
@pytest.mark.parametrize(
    "modules",
    [
        "headrace.flink, pyflink.datastream, pyflink.datastream.connectors.file_system",
        "pyflink.table, pyflink.table.udf",
    ],
    ids=["streams", "tables"],
)
def test_a_driver_imports_what_it_needs_from_it(kept, modules):
    bare(kept, "-c", f"import {modules}")


@needs_flink
@pytest.mark.slow
def test_a_worker_imports_what_it_needs_from_it_in_its_compiled_form(kept):
    said = bare(
        kept,
        "-c",
        "import pyflink.fn_execution.beam.beam_boot\n"
        "import pyflink.fn_execution.beam.beam_sdk_worker_main\n"
        "import pyflink.fn_execution\n"
        "print(pyflink.fn_execution.PYFLINK_CYTHON_ENABLED)",
    )
    assert said.split() == ["True"]


@needs_flink
def test_what_is_left_of_numpy_is_all_of_its_public_modules(kept):
    bare(
        kept,
        "-c",
        "import numpy, numpy.fft, numpy.linalg, numpy.ma, numpy.polynomial, numpy.random, "
        "numpy.testing, numpy.typing, numpy.ctypeslib, numpy.lib.recfunctions",
    )


# ------------------------------------------------------------------------------------ a real job
@pytest.fixture(scope="module")
def ran(kept, tmp_path_factory):
    """What a job left that was run from the folder alone, its workers being processes."""
    folder = tmp_path_factory.mktemp("job")
    launcher = folder / "python"
    launcher.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$@"\n')
    launcher.chmod(0o755)
    java = {name: os.environ[name] for name in ("JAVA_HOME",) if name in os.environ}
    bare(
        kept,
        str(JOB),
        str(folder),
        str(launcher),
        PATH=os.environ["PATH"],
        FLINK_HOME=str(SITE / "pyflink"),
        FLINK_LOG_DIR=str(folder),
        _python_worker_execution_mode="process",
        **java,
    )
    return folder


@pytest.fixture(scope="module")
def rows(ran):
    parts = [path for path in (ran / "out").rglob("part-*") if path.is_file()]
    return [json.loads(line) for part in parts for line in part.read_text().splitlines()]


def foreign(process: dict, kept: Path) -> list[str]:
    """The files of a process that are neither that folder's nor the standard library's."""
    homes = (str(kept), sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"), str(JOB))
    base = str(Path(sys.base_prefix) / "lib")
    return [
        file
        for file in process["files"]
        if "site-packages" in file.replace(str(kept), "") or not file.startswith((*homes, base))
    ]


@needs_flink
@pytest.mark.flink
@pytest.mark.slow
class TestAJobFromNothingElse:
    def test_keeps_its_state(self, rows):
        counted = sorted((row["key"], row["n"]) for row in rows)
        assert counted == [(key, n) for key in ("k0", "k1") for n in (1, 2, 3)]

    def test_loads_its_driver_from_it(self, ran, kept):
        assert foreign(json.loads((ran / "driver").read_text()), kept) == []

    def test_loads_its_workers_from_it(self, ran, rows, kept):
        driver = json.loads((ran / "driver").read_text())["pid"]
        workers = {row["process"]["pid"]: row["process"] for row in rows}
        assert workers
        assert driver not in workers
        assert [foreign(one, kept) for one in workers.values()] == [[] for _ in workers]

    def test_runs_compiled(self, rows):
        assert {row["process"]["compiled"] for row in rows} == {True}
