"""`install`: the environment holds what the lock says, or it is told what it holds instead."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from headrace_registry.errors import InstallError, TrustError
from headrace_registry.locking import Environment, install, plan_install, resolve
from headrace_registry.settings import Target


@pytest.fixture
def put(bench, client, environment, machine):
    """Resolves and installs."""

    def run(*requirements, before=None, exact=False, **more):
        wanted = bench.wanted(*requirements, targets=(machine,), **more)
        lock = resolve(wanted, upgrade=None)
        report = install(
            lock,
            environment,
            before=before,
            clients={"main": client},
            project=bench.folder,
            index=bench.index.simple,
            exact=exact,
        )
        return lock, report

    return run


@pytest.fixture
def skill(bench):
    bench.main.add("skill-a", "1.0", ("lib",))
    bench.index.add("lib", "1.0")
    return bench


def said_by(environment, module):
    code = f"import {module}; print({module}.VERSION)"
    done = subprocess.run(
        [environment.python, "-c", code], capture_output=True, check=False, text=True
    )
    return done.stdout.strip()


class TestIntoAnEmptyEnvironment:
    def test_all_of_the_lock_is_installed_and_works(self, skill, put, environment):
        _, report = put("skill-a")
        assert environment.installed() == {"skill-a": "1.0", "lib": "1.0"}
        assert said_by(environment, "skill_a") == "1.0"
        assert report.installed == ("lib==1.0", "skill-a==1.0")

    def test_a_registrys_wheel_comes_through_its_client_alone(self, skill, put, client):
        put("skill-a")
        assert client.fetched == ["skill_a-1.0-py3-none-any.whl"]
        assert skill.main.asked == []

    def test_what_is_for_another_target_is_left_out(self, skill, put, environment):
        skill.main.add("skill-a", "2.0", ("lib; sys_platform == 'darwin'",))
        put("skill-a")
        assert environment.installed() == {"skill-a": "2.0"}

    def test_of_two_versions_it_gets_that_of_its_target(self, bench, environment, machine):
        tags = {"linux/amd64": "manylinux_2_17_x86_64", "linux/arm64": "manylinux_2_17_aarch64"}
        tags["macos/arm64"] = "macosx_11_0_arm64"
        other = next(one for one in tags if one != machine.platform)
        python = "cp" + machine.python.replace(".", "")
        bench.index.add("lib", "1.0")
        bench.index.add("lib", "2.0", tag=f"{python}-{python}-{tags[machine.platform]}")
        targets = (machine, Target(machine.python, other))
        lock = resolve(bench.wanted("lib", targets=targets))
        install(lock, environment, project=bench.folder)
        assert environment.installed() == {"lib": "2.0"}

    def test_an_environment_that_is_not_there_is_made(self, skill, client, machine):
        place = skill.folder / ".venv"
        environment = Environment(place, None, "", None)
        lock = resolve(skill.wanted("skill-a", targets=(machine,)))
        report = install(lock, environment, clients={"main": client}, project=skill.folder)
        assert report.made
        assert Environment.find(skill.folder).installed() == {"skill-a": "1.0", "lib": "1.0"}

    def test_a_wheel_of_the_projects_own_is_installed(self, bench, put, environment, wheel):
        wheel(bench.folder / "vendor", "skill-own", "1.0")
        put("skill-own", bound={"skill-own": "vendor"})
        assert environment.installed() == {"skill-own": "1.0"}


class TestIntoOneThatHoldsSomething:
    def test_again_it_does_nothing(self, skill, put, client):
        put("skill-a")
        client.fetched.clear()
        _, report = put("skill-a")
        assert (report.installed, report.replaced, report.removed) == ((), (), ())
        assert (report.unchanged, client.fetched) == (2, [])

    def test_another_version_takes_the_place(self, skill, put, environment):
        put("skill-a")
        skill.main.add("skill-a", "2.0")
        _, report = put("skill-a")
        assert environment.installed() == {"skill-a": "2.0"}
        assert (report.replaced, report.removed) == (("skill-a==2.0",), ("lib==1.0",))

    def test_other_bytes_of_the_same_version_take_the_place(self, skill, put, environment):
        put("skill-a")
        skill.main.add("skill-a", "1.0", content="VERSION = 'other'")
        _, report = put("skill-a")
        assert report.replaced == ("skill-a==1.0",)
        assert said_by(environment, "skill_a") == "other"

    def test_a_look_alike_of_the_same_version_is_replaced(
        self, skill, put, environment, wheel, tmp_path
    ):
        stranger = wheel(tmp_path, "skill-a", "1.0", content="VERSION = 'stranger'")
        pip(environment, stranger)
        _, report = put("skill-a")
        assert report.replaced == ("skill-a==1.0",)
        assert said_by(environment, "skill_a") == "1.0"

    def test_a_look_alike_of_a_higher_version_is_replaced(
        self, skill, put, environment, wheel, tmp_path
    ):
        pip(environment, wheel(tmp_path, "skill-a", "9.9"))
        put("skill-a")
        assert environment.installed()["skill-a"] == "1.0"

    def test_what_was_never_locked_stays(self, skill, put, environment, wheel, tmp_path):
        pip(environment, wheel(tmp_path, "mine", "1.0"))
        put("skill-a")
        assert "mine" in environment.installed()

    def test_what_another_project_put_there_stays(
        self, skill, put, environment, client, machine, tmp_path
    ):
        put("skill-a")
        lock = resolve(skill.wanted("lib", targets=(machine,)))
        install(lock, environment, clients={"main": client}, project=tmp_path / "another")
        assert environment.installed() == {"skill-a": "1.0", "lib": "1.0"}

    def test_what_this_program_itself_needs_is_never_removed(self, bench, machine):
        bench.index.add("lib", "1.0")
        lock = resolve(bench.wanted("lib", targets=(machine,)))
        here = Environment.find(bench.folder, Path(sys.prefix))
        removed = plan_install(lock, here, project=bench.folder, exact=True).removed
        names = {one.partition("==")[0] for one in removed}
        assert "pytest" in names
        assert names.isdisjoint({"click", "packaging", "headrace-core", "tuf", "uv"})

    def test_exactly_means_without_that(self, skill, put, environment, wheel, tmp_path):
        pip(environment, wheel(tmp_path, "mine", "1.0"))
        put("skill-a", exact=True)
        assert set(environment.installed()) == {"skill-a", "lib"}

    def test_files_that_a_removed_package_shared_are_put_back(self, bench, put, environment):
        bench.main.add("old-name", "1.0")
        put("old-name")
        # The package under its new name brings the module of the old one.
        shared = bench.main.add("renamed", "1.0")
        rename_module(bench, shared, "renamed.py", "old_name.py")
        put("renamed")
        assert environment.installed() == {"renamed": "1.0"}
        assert said_by(environment, "old_name") == "1.0"


class TestWhatIsRefused:
    def test_a_changed_wheel_of_a_registry_changes_nothing(self, skill, put, environment):
        put("lib")
        skill.main.add("skill-b", "1.0")
        wanted_state = environment.installed()
        path = skill.main.folder / "files" / "skill-b" / "skill_b-1.0-py3-none-any.whl"
        path.write_bytes(path.read_bytes() + b"x")
        with pytest.raises(TrustError):
            put("lib", "skill-b")
        assert environment.installed() == wanted_state

    def test_a_changed_wheel_of_the_index_is_not_installed(self, bench, environment, machine):
        bench.index.add("lib", "1.0")
        lock = resolve(bench.wanted("lib", targets=(machine,)))
        bench.index.add("lib", "1.0", content="# other")
        with pytest.raises(InstallError, match=r"(?i)hash mismatch"):
            install(lock, environment, project=bench.folder)
        assert environment.installed() == {}

    def test_a_changed_wheel_of_the_projects_own_changes_nothing(
        self, bench, environment, machine, wheel
    ):
        path = wheel(bench.folder / "vendor", "skill-own", "1.0")
        wanted = bench.wanted("skill-own", targets=(machine,), bound={"skill-own": "vendor"})
        lock = resolve(wanted)
        path.write_bytes(path.read_bytes() + b"x")
        with pytest.raises(InstallError, match="not the one that was locked; nothing was changed"):
            install(lock, environment, project=bench.folder)

    def test_a_lock_for_other_machines_is_refused(self, skill, environment, client):
        lock = resolve(skill.wanted("skill-a", targets=(Target("3.12", "macos/arm64"),)))
        with pytest.raises(InstallError, match=r"it was made for Python 3.12 on macos/arm64"):
            install(lock, environment, clients={"main": client}, project=skill.folder)

    def test_what_is_no_environment_is_refused(self, tmp_path):
        (tmp_path / "empty").mkdir()
        with pytest.raises(InstallError, match="is no Python environment"):
            Environment.find(tmp_path, tmp_path / "empty")


class TestWhatWasInterrupted:
    @pytest.fixture
    def broken(self, skill, environment, machine, client):
        """The index is away in the middle of an installation."""
        lock = resolve(skill.wanted("skill-a", targets=(machine,)))
        files = skill.index.folder / "files" / "lib"
        files.rename(files.with_name("away"))
        with pytest.raises(InstallError) as raised:
            install(lock, environment, clients={"main": client}, project=skill.folder)
        files.with_name("away").rename(files)
        return lock, str(raised.value)

    def test_it_says_what_is_there_and_how_to_finish(self, broken, environment):
        _, text = broken
        assert f"{environment} has 0 of 2 packages as locked" in text
        assert "not yet: lib 1.0, skill-a 1.0" in text
        assert "next: agents sync" in text

    def test_the_environment_remembers_it(self, broken, environment):
        assert environment.state().done is False

    def test_the_same_once_more_finishes_it(self, skill, broken, environment, client):
        lock, _ = broken
        report = install(lock, environment, clients={"main": client}, project=skill.folder)
        assert report.resumed
        assert environment.installed() == {"skill-a": "1.0", "lib": "1.0"}
        assert environment.state().done is True

    def test_a_package_that_was_left_half_installed_is_installed_anew(
        self, skill, put, environment
    ):
        put("skill-a")
        marker = environment.prefix / ".headrace-sync.json"
        state = json.loads(marker.read_text())
        marker.write_text(json.dumps({**state, "done": False}))
        (environment.packages / "lib.py").unlink()
        _, report = put("skill-a")
        assert report.replaced == ("lib==1.0",)
        assert said_by(environment, "lib") == "1.0"


class TestThePlan:
    def test_it_tells_what_would_be_done_and_does_nothing(self, skill, environment, machine):
        lock = resolve(skill.wanted("skill-a", targets=(machine,)))
        report = plan_install(lock, environment, project=skill.folder)
        assert report.installed == ("lib==1.0", "skill-a==1.0")
        assert environment.installed() == {}


class TestWhichEnvironment:
    def test_the_projects_own_comes_first(self, tmp_path, environment, monkeypatch):
        environment.prefix.rename(tmp_path / ".venv")
        monkeypatch.setenv("VIRTUAL_ENV", "/nowhere")
        assert Environment.find(tmp_path).prefix == tmp_path / ".venv"

    def test_then_the_activated_one(self, tmp_path, environment, monkeypatch):
        monkeypatch.setenv("VIRTUAL_ENV", str(environment.prefix))
        found = Environment.find(tmp_path)
        assert (found.prefix, found.packages) == (environment.prefix, environment.packages)

    def test_one_that_is_named_comes_before_all(self, tmp_path, environment):
        found = Environment.find(tmp_path, environment.python)
        assert found.packages == environment.packages


def pip(environment, wheel):
    from uv import find_uv_bin

    subprocess.run(
        [find_uv_bin(), "pip", "install", "-q", "--python", environment.python, wheel], check=True
    )


def rename_module(bench, path, old, new):
    """Gives a wheel's module another name, and the catalogue the wheel's new digest."""
    import hashlib
    import zipfile
    from dataclasses import replace

    with zipfile.ZipFile(path) as archive:
        files = {one.replace(old, new): archive.read(one) for one in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data.replace(old.encode(), new.encode()))
    release = bench.main.releases["renamed", "1.0"]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    file = replace(release.files[0], sha256=digest, size=path.stat().st_size)
    bench.main.releases["renamed", "1.0"] = replace(release, files=(file,))
