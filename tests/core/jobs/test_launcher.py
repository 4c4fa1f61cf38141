"""`bin/python`: the cluster's Python with the zip's packages, or a refusal that says why."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib.resources import files

import pytest

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
HERE = platform.machine()
SEEN = (
    "import os, sys; print(sys.path); print(os.environ['HEADRACE_JOB']); "
    "print(os.environ['PATH']); "
    "print(sys.argv[1:]); print(sys.flags.no_site, sys.flags.no_user_site)"
)
OLD = """\
#!/bin/sh
echo "2.7 {machine}"
"""


class Launcher:
    """An unpacked job with nothing in it but its launcher."""

    def __init__(self, folder, python=PYTHON, machine=HERE, *, provided=False):
        self.home = folder
        (folder / "bin").mkdir(parents=True)
        for name in ("app", "site-packages/bin"):
            (folder / name).mkdir(parents=True)
        values = {
            "@TARGET@": f"Python {python} on linux/x",
            "@PYTHON@": python,
            "@MACHINE@": machine,
            "@FLAGS@": "-s" if provided else "-S -s",
            "@MORE_PATH@": "${PYTHONPATH:+:$PYTHONPATH}" if provided else "",
        }
        text = files("headrace.jobs").joinpath("launcher.sh").read_text(encoding="utf-8")
        for name, value in values.items():
            text = text.replace(name, value)
        assert "@" not in text.replace('"$@"', "")
        self.path = folder / "bin/python"
        self.path.write_text(text)
        self.path.chmod(0o755)

    def run(self, *arguments, cwd=None, command=None, **environment):
        return subprocess.run(
            [command or self.path, *map(str, arguments)],
            cwd=cwd,
            env={"PATH": "/usr/bin:/bin", "HEADRACE_PYTHON": sys.executable, **environment},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def launcher(tmp_path):
    return Launcher(tmp_path / "job")


def told(done):
    assert done.returncode == 0, done.stderr
    path, home, programs, arguments, flags = done.stdout.splitlines()
    return eval(path), home, programs.split(":"), eval(arguments), flags  # noqa: S307 - ours


def test_the_zips_code_comes_first_then_its_packages_and_then_the_standard_library(launcher):
    path, home, programs, _, flags = told(launcher.run("-c", SEEN))
    assert home == str(launcher.home)
    place = path.index(f"{home}/app")
    assert path[place + 1] == f"{home}/site-packages"
    assert all("site-packages" not in one for one in path[place + 2 :])
    assert programs[0] == f"{home}/site-packages/bin"
    assert flags == "1 1"


def test_arguments_are_passed_on_as_they_are(launcher):
    some = ["a b", "", "*", "$HOME", "'\"", "-x"]
    assert told(launcher.run("-c", SEEN, *some))[3] == some


def test_the_exit_code_is_pythons(launcher):
    assert launcher.run("-c", "raise SystemExit(7)").returncode == 7


@pytest.mark.parametrize("name", ["a b", "größe", "it's", "$HOME"])
def test_the_folder_may_have_any_name(tmp_path, name):
    assert told(Launcher(tmp_path / name).run("-c", SEEN))[1] == str(tmp_path / name)


def test_it_is_found_by_a_relative_path_and_from_a_folder_that_cdpath_hides(launcher, tmp_path):
    done = launcher.run("-c", SEEN, cwd=launcher.home, command="bin/python", CDPATH=str(tmp_path))
    assert told(done)[1] == str(launcher.home)


def test_what_is_installed_beside_the_clusters_python_is_not_seen(launcher):
    done = launcher.run("-c", "import pytest")
    assert "No module named 'pytest'" in done.stderr


def test_the_callers_python_path_is_not_seen(launcher, tmp_path):
    (tmp_path / "intruder.py").write_text("")
    done = launcher.run("-c", "import intruder", PYTHONPATH=str(tmp_path))
    assert "No module named 'intruder'" in done.stderr


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 has no safe path")
def test_modules_in_the_working_folder_are_not_seen(launcher, tmp_path):
    (tmp_path / "intruder.py").write_text("")
    for arguments in (("-c", "import intruder"), ("-m", "intruder")):
        done = launcher.run(*arguments, cwd=tmp_path)
        assert "No module named" in done.stderr


def test_provided_what_the_cluster_has_comes_after_what_the_zip_has(tmp_path):
    launcher = Launcher(tmp_path / "job", provided=True)
    (tmp_path / "more").mkdir()
    path, home, _, _, flags = told(launcher.run("-c", SEEN, PYTHONPATH=str(tmp_path / "more")))
    assert path.index(f"{home}/site-packages") < path.index(str(tmp_path / "more"))
    assert flags == "0 1"
    assert launcher.run("-c", "import pytest").returncode == 0


def test_no_compiled_files_are_written_into_the_job(launcher):
    (launcher.home / "app/mine.py").write_text("x = 1\n")
    assert launcher.run("-c", "import mine").returncode == 0
    assert not list(launcher.home.rglob("__pycache__"))


def test_variables_that_would_change_python_are_taken_away(launcher, tmp_path):
    (tmp_path / "start.py").write_text("print('started')")
    done = launcher.run(
        *("-c", "print('ran')"), PYTHONHOME="/nowhere", PYTHONSTARTUP=str(tmp_path / "start.py")
    )
    assert done.stdout == "ran\n"


# ---------------------------------------------------------------- which Python
def pythons(folder, **texts):
    """Programs on a PATH."""
    folder.mkdir()
    for name, text in texts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return f"{folder}:/usr/bin:/bin"


def test_the_python_of_its_version_is_found_on_the_path(launcher, tmp_path):
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / f"python{PYTHON}").symlink_to(sys.executable)
    done = launcher.run("-c", "print(1)", PATH=f"{folder}:/usr/bin:/bin", HEADRACE_PYTHON="")
    assert done.stdout == "1\n"


def test_a_python_of_another_version_is_passed_over(launcher, tmp_path):
    path = pythons(tmp_path / "programs", python3=OLD.format(machine=HERE))
    (tmp_path / "programs/python").symlink_to(sys.executable)
    (tmp_path / f"programs/python{PYTHON}").write_text("no program")
    done = launcher.run("-c", "print(1)", PATH=path, HEADRACE_PYTHON="/nowhere/python")
    assert done.stdout == "1\n"


def test_where_there_is_none_of_its_version_it_says_what_there_is(tmp_path):
    launcher = Launcher(tmp_path / "job", python="3.99")
    path = pythons(tmp_path / "programs", python3=OLD.format(machine=HERE))
    done = launcher.run("-c", "print(1)", PATH=path)
    assert done.returncode == 3
    assert done.stdout == ""
    assert "this job is for Python 3.99 on linux/x" in done.stderr
    assert f"{sys.executable} is {PYTHON} {HERE};" in done.stderr
    assert f"python3 is 2.7 {HERE};" in done.stderr
    assert "next: install Python 3.99 there (or name it: HEADRACE_PYTHON)" in done.stderr


def test_another_processor_is_told_as_such(tmp_path):
    done = Launcher(tmp_path / "job", machine="riscv64").run("-c", "print(1)")
    assert done.returncode == 3
    assert f"is {PYTHON} {HERE};" in done.stderr


def test_what_the_environment_calls_seen_is_not_told(tmp_path):
    done = Launcher(tmp_path / "job", python="3.99").run("-c", "1", seen="made up")
    assert "made up" not in done.stderr
