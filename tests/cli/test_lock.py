"""`agents lock` and `agents sync`: what they write, print and refuse, and that they are quick."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
import venv
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

PROJECT = """\
[project]
name = "p"
version = "0"
requires-python = ">=3.10"
dependencies = [{requirements}]

[tool.agents]
index = "{index}"
"""


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments):
        pass

    def end_headers(self):
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()


class Project:
    """A project and a package index."""

    def __init__(self, place, index, url):
        self.place = place
        self.index = index
        self.url = url

    def add(self, name, version, *requires):
        folder = self.index / name
        folder.mkdir(exist_ok=True)
        info = f"{name}-{version}.dist-info"
        metadata = [f"Metadata-Version: 2.3\nName: {name}\nVersion: {version}"]
        metadata += [f"Requires-Dist: {one}" for one in requires]
        files = {
            f"{name}.py": f"VERSION = {version!r}\n",
            f"{info}/METADATA": "\n".join(metadata) + "\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            f"{info}/RECORD": f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n",
        }
        with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
            for path, text in files.items():
                archive.writestr(zipfile.ZipInfo(path), text)
        links = [
            f'<a href="{one.name}#sha256={hashlib.sha256(one.read_bytes()).hexdigest()}">'
            f"{one.name}</a>"
            for one in sorted(folder.glob("*.whl"))
        ]
        (folder / "index.html").write_text("<!DOCTYPE html>\n" + "\n".join(links))

    def requires(self, *requirements):
        listed = ", ".join(json.dumps(one) for one in requirements)
        text = PROJECT.format(requirements=listed, index=self.url)
        self.place.write("pyproject.toml", text)

    def run(self, *arguments):
        return self.place.run(*arguments)

    def data(self, *arguments):
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    @property
    def lock(self):
        return self.place.folder / "pylock.toml"


@pytest.fixture
def project(place, tmp_path, monkeypatch):
    index = tmp_path / "simple"
    index.mkdir()
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(place.folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    found = Project(place, index, f"http://127.0.0.1:{server.server_port}/simple")
    found.add("lib", "1.0", "base")
    found.add("base", "1.0")
    found.requires("lib")
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def environment(project):
    venv.create(project.place.folder / ".venv", symlinks=True)
    return project.place.folder / ".venv"


class TestLock:
    def test_it_writes_the_lock_and_tells_what_came(self, project):
        result = project.run("lock")
        assert result.exit_code == 0, result.output
        assert "+ lib 1.0  (index)" in result.stdout
        assert "pylock.toml written: 2 packages for Python" in result.stdout
        assert project.lock.is_file()

    def test_again_it_has_nothing_to_do(self, project):
        project.run("lock")
        first = project.lock.read_bytes()
        result = project.run("lock")
        assert "in keeping with the project: nothing to do" in result.stdout
        assert project.lock.read_bytes() == first

    def test_nothing_to_do_asks_nobody(self, project):
        project.run("lock")
        project.requires("lib")  # the same text: nothing changed
        (project.index / "lib" / "index.html").unlink()
        assert project.run("lock").exit_code == 0

    def test_a_comment_in_the_project_changes_nothing(self, project):
        project.run("lock")
        path = project.place.folder / "pyproject.toml"
        path.write_text("# a comment\n" + path.read_text())
        assert project.data("lock")["written"] is False

    def test_a_changed_requirement_is_locked(self, project):
        project.run("lock")
        project.add("other", "2.0")
        project.requires("lib", "other")
        data = project.data("lock")
        assert [(one["kind"], one["name"], one["after"]) for one in data["changes"]] == [
            ("added", "other", "2.0")
        ]

    def test_a_lock_that_was_changed_by_hand_is_not_taken_for_in_keeping(self, project):
        project.run("lock")
        project.lock.write_text("changed = ")
        result = project.run("lock")
        assert result.exit_code == 1
        assert "is no TOML" in result.stderr

    def test_a_dry_run_shows_and_writes_nothing(self, project):
        result = project.run("lock", "--dry-run")
        assert "+ lib 1.0" in result.stdout
        assert not project.lock.exists()

    def test_a_conflict_leaves_the_old_lock(self, project):
        project.run("lock")
        first = project.lock.read_bytes()
        project.requires("lib", "base>=7")
        result = project.run("lock")
        assert (result.exit_code, project.lock.read_bytes()) == (1, first)
        assert "there is no version base >=7" in result.stderr

    def test_outside_of_a_project_it_says_so(self, place, tmp_path, monkeypatch):
        (tmp_path / "empty").mkdir()
        monkeypatch.chdir(tmp_path / "empty")
        result = place.run("lock")
        assert result.exit_code == 1
        assert "there is no pyproject.toml" in result.stderr


class TestUpgrade:
    @pytest.fixture
    def newer(self, project):
        project.run("lock")
        project.add("lib", "2.0", "base")
        project.add("base", "2.0")
        return project

    def test_of_everything(self, newer):
        changes = newer.data("lock", "--upgrade")["changes"]
        assert {one["name"]: one["after"] for one in changes} == {"base": "2.0", "lib": "2.0"}

    def test_of_one(self, newer):
        changes = newer.data("lock", "--upgrade-package", "base")["changes"]
        assert {one["name"]: one["after"] for one in changes} == {"base": "2.0"}

    def test_of_one_that_is_not_locked_is_wrong_use(self, newer):
        assert newer.run("lock", "--upgrade-package", "nothing").exit_code == 2

    def test_an_older_version_is_a_question_and_nobody_can_be_asked(self, newer):
        newer.run("lock", "--upgrade")
        first = newer.lock.read_bytes()
        newer.requires("lib", "base<2")
        result = newer.run("lock")
        assert (result.exit_code, newer.lock.read_bytes()) == (1, first)
        assert "base 2.0 -> 1.0" in result.stderr
        assert "--allow-downgrade" in result.stderr

    def test_an_older_version_is_locked_when_it_is_allowed(self, newer):
        newer.run("lock", "--upgrade")
        newer.requires("lib", "base<2")
        result = newer.run("lock", "--allow-downgrade")
        assert result.exit_code == 0
        assert "↓ base 2.0 -> 1.0" in result.stdout


class TestCheck:
    def test_in_keeping(self, project):
        project.run("lock")
        assert project.run("lock", "--check").exit_code == 0

    def test_without_a_lock(self, project):
        assert project.run("lock", "--check").exit_code == 1
        assert not project.lock.exists()

    def test_what_differs_is_told(self, project):
        project.run("lock")
        project.requires("lib>=2", "new")
        result = project.run("lock", "--check")
        assert result.exit_code == 1
        assert "lib>=2 is required, and 1.0 is locked" in result.stderr
        assert "new is required, and new is not locked" in result.stderr

    def test_as_data(self, project):
        project.run("lock")
        project.requires("new")
        result = project.run("lock", "--check", "--json")
        assert result.exit_code == 1
        assert json.loads(result.stdout)["in_keeping"] is False

    def test_with_an_upgrade_it_is_wrong_use(self, project):
        assert project.run("lock", "--check", "--upgrade").exit_code == 2


class TestSync:
    def test_the_lock_is_installed(self, project, environment):
        project.run("lock")
        result = project.run("sync")
        assert result.exit_code == 0, result.output
        assert "+ lib==1.0" in result.stdout
        code = "import lib, base; print(lib.VERSION, base.VERSION)"
        done = subprocess.run(
            [environment / "bin" / "python", "-c", code],
            capture_output=True,
            check=False,
            text=True,
        )
        assert done.stdout == "1.0 1.0\n"

    def test_again_there_is_nothing_to_do(self, project, environment):
        project.run("lock")
        project.run("sync")
        data = project.data("sync")
        assert (data["installed"], data["removed"], data["unchanged"]) == ([], [], 2)

    def test_what_is_locked_no_more_goes(self, project, environment):
        project.run("lock")
        project.run("sync")
        project.requires("base")
        project.run("lock")
        assert project.data("sync")["removed"] == ["lib==1.0"]

    def test_without_a_lock_it_says_what_to_type(self, project, environment):
        result = project.run("sync")
        assert result.exit_code == 1
        assert "next:  agents lock" in result.stderr

    def test_a_stale_lock_is_not_installed(self, project, environment):
        project.run("lock")
        project.requires("base>=2")
        result = project.run("sync")
        assert result.exit_code == 1
        assert "base>=2 is required, and 1.0 is locked" in result.stderr

    def test_unless_it_is_to_be_taken_as_it_is(self, project, environment):
        project.run("lock")
        project.requires("base>=2")
        assert project.data("sync", "--frozen")["installed"] == ["base==1.0", "lib==1.0"]

    def test_a_dry_run_changes_nothing(self, project, environment):
        project.run("lock")
        assert project.data("sync", "--dry-run")["installed"] == ["base==1.0", "lib==1.0"]
        assert project.data("sync", "--dry-run")["installed"] == ["base==1.0", "lib==1.0"]

    def test_another_environment_can_be_named(self, project, environment, tmp_path):
        venv.create(tmp_path / "named", symlinks=True)
        project.run("lock")
        data = project.data("sync", "--python", tmp_path / "named")
        assert data["environment"] == str(tmp_path / "named")


class TestWithARegistry:
    @pytest.fixture
    def registry(self, project, tmp_path, monkeypatch):
        """A registry with version 1.0 of a package that the index has in version 9.9."""
        from headrace_registry.site import build_site

        monkeypatch.setenv("HEADRACE_CACHE_DIR", str(tmp_path / "agents-cache"))
        project.add("ours", "1.0", "base")
        wheel = (project.index / "ours" / "ours-1.0-py3-none-any.whl").rename(
            tmp_path / "ours-1.0-py3-none-any.whl"
        )
        build_site([wheel], tmp_path / "site", title="Main")
        project.add("ours", "9.9")
        project.requires("ours")
        with (project.place.folder / "pyproject.toml").open("a") as file:
            url = f"{project.url.removesuffix('/simple')}/site"
            file.write(f'[tool.agents.registries.main]\nurl = "{url}"\nunsigned = true\n')
        return project

    def test_its_package_is_locked_and_the_look_alike_is_told_of(self, registry):
        result = registry.run("lock")
        assert result.exit_code == 0, result.output
        assert "+ ours 1.0  (main)" in result.stdout
        assert "the package index has 9.9 under that name, which was not taken" in result.stderr

    def test_its_package_is_installed(self, registry, environment):
        registry.run("lock")
        assert registry.data("sync")["installed"] == ["base==1.0", "ours==1.0"]

    def test_offline_the_cache_is_enough(self, registry, environment, tmp_path):
        registry.run("lock")
        registry.run("sync")
        (tmp_path / "site").rename(tmp_path / "away")
        venv.create(tmp_path / "second", symlinks=True)
        result = registry.run("sync", "--offline", "--python", tmp_path / "second")
        assert result.exit_code == 0, result.output
        result = registry.run("lock", "--upgrade", "--offline", "--json")
        assert json.loads(result.stdout)["changes"] == []

    def test_a_wheel_that_was_swapped_after_locking_is_not_installed(
        self, registry, environment, tmp_path
    ):
        registry.run("lock")
        path = tmp_path / "site" / "files" / "ours" / "ours-1.0-py3-none-any.whl"
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.unlink()
        path.write_bytes(data)
        result = registry.run("sync")
        assert result.exit_code == 1
        assert "ours-1.0-py3-none-any.whl" in result.stderr
        assert registry.data("sync", "--dry-run")["unchanged"] == 0


def test_a_lock_without_changes_loads_neither_the_resolver_nor_a_plugin(project):
    project.run("lock")
    code = (
        "import sys; sys.argv = ['agents', 'lock']\n"
        "from headrace_cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*(one for one in ('pydantic', 'packaging', 'tuf', 'headrace_registry') "
        "if one in sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert done.stderr.strip() == ""
