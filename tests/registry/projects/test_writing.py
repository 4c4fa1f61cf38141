"""Several files changed as one: all, or none, whatever happens in between."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from headrace_registry.errors import ProjectFileError
from headrace_registry.projects import changing, recover, write_files

from .conftest import content, folders, left_over

OLD = {"pyproject.toml": b"old\n", "vendor/a.whl": b"wheel"}
NEW = {"pyproject.toml": b"new\n", "pylock.toml": b"lock\n", "vendor/sub/b.whl": b"other"}
MAKE = """
            (project / "vendor").mkdir()
            (project / "pyproject.toml").write_bytes(b"old\\n")
            (project / "vendor/a.whl").write_bytes(b"wheel")
            files = {
                project / "pyproject.toml": b"new\\n",
                project / "pylock.toml": b"lock\\n",
                project / "vendor/sub/b.whl": b"other",
                project / "vendor/a.whl": None,
            }
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "vendor").mkdir()
    for path, data in OLD.items():
        (tmp_path / path).write_bytes(data)
    return tmp_path


def changes(project):
    files = {project / path: data for path, data in NEW.items()}
    return {**files, project / "vendor/a.whl": None}


def test_files_are_written_replaced_and_removed(project):
    write_files(project, changes(project))
    assert content(project) == NEW
    assert left_over(project) == set()


def test_what_was_done_can_be_undone(project):
    undo = write_files(project, changes(project))
    undo()
    assert content(project) == OLD


def test_a_file_keeps_its_mode(project):
    (project / "pyproject.toml").chmod(0o640)
    undo = write_files(project, changes(project))
    assert (project / "pyproject.toml").stat().st_mode & 0o777 == 0o640
    undo()
    assert (project / "pyproject.toml").stat().st_mode & 0o777 == 0o640


def test_what_it_keeps_for_itself_is_nobody_elses(project):
    with changing(project, changes(project)):
        assert (project / ".headrace").stat().st_mode & 0o777 == 0o700
        assert (project / ".headrace/journal.json").stat().st_mode & 0o777 == 0o600
        assert (project / ".headrace/.gitignore").read_text() == "*\n"


@pytest.mark.slow  # a process for each step
class TestAKill:
    def test_at_any_step_leaves_all_or_nothing(self, killed):
        seen = []
        for project in killed(MAKE, "write_files(project, files)"):
            recover(project)
            assert content(project) in (OLD, NEW), project
            assert left_over(project) == set()
            seen.append(content(project) == NEW)
        assert len(seen) > 15
        assert seen == sorted(seen)  # from some step on it is done
        assert folders(project) == {"vendor", "vendor/sub"}

    def test_leaves_no_folder_that_was_not_there(self, killed):
        for project in killed(MAKE, "write_files(project, files)"):
            recover(project)
            if content(project) == OLD:
                assert folders(project) == {"vendor"}

    def test_within_a_change_takes_all_of_it_back(self, killed):
        act = "with changing(project, files): (project / 'pylock.toml').read_bytes()"
        *stopped, done = killed(MAKE, act)
        for project in stopped:
            recover(project)
            assert content(project) in (OLD, NEW)
        assert content(done) == NEW

    def test_while_it_is_being_taken_back_does_no_harm(self, killed):
        make = (
            MAKE
            + """
            begun = os.fork()
            if not begun:
                with changing(project, files): os._exit(0)
            os.waitpid(begun, 0)
"""
        )
        for project in killed(make, "recover(project)"):
            recover(project)
            assert content(project) == OLD
            assert folders(project) == {"vendor"}
            assert left_over(project) == set()


class TestAChangeWithinAChange:
    def test_is_refused_and_ends_both(self, project):
        def nested():
            with changing(project, changes(project)):
                write_files(project, {project / "more": b"x"})

        with pytest.raises(ProjectFileError, match="is being changed"):
            nested()
        assert content(project) == OLD

    def test_leaves_another_project_alone(self, project, tmp_path_factory):
        other = tmp_path_factory.mktemp("other")
        with changing(project, changes(project)):
            write_files(other, {other / "more": b"x"})
            assert recover(other) == ()
        assert (content(project), content(other)) == (NEW, {"more": b"x"})


class TestAFailure:
    def test_in_the_block_takes_all_back(self, project):
        def failing():
            with changing(project, changes(project)):
                assert content(project) == NEW
                raise RuntimeError("mine")

        with pytest.raises(RuntimeError, match="mine"):
            failing()
        assert content(project) == OLD
        assert left_over(project) == set()

    def test_of_the_disk_changes_nothing(self, project):
        script = f"""
import resource, signal
from pathlib import Path
from headrace_registry.errors import ProjectFileError
from headrace_registry.projects import write_files
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
project = Path({str(project)!r})
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_files(project, {{project / "pyproject.toml": b"n", project / "big": b"x" * 9999}})
except ProjectFileError as error:
    print(error)
"""
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=False
        )
        assert "File too large" in done.stdout, done.stderr
        assert content(project) == OLD
        assert left_over(project) == set()

    def test_to_replace_one_of_them_takes_the_others_back(self, project):
        files = {project / "a": b"1", project / "pyproject.toml": b"2", project / "a/b": b"3"}
        with pytest.raises(ProjectFileError, match="cannot be written"):
            write_files(project, files)
        assert content(project) == OLD

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_where_nothing_may_be_written(self, project):
        project.chmod(0o500)
        try:
            with pytest.raises(ProjectFileError, match="cannot be written: Permission denied"):
                write_files(project, changes(project))
        finally:
            project.chmod(0o700)
        assert content(project) == OLD

    def test_where_the_private_folder_cannot_be(self, project):
        (project / ".headrace").write_text("mine")
        with pytest.raises(ProjectFileError, match="cannot be written"):
            write_files(project, changes(project))
        assert {**content(project)} == OLD


class TestWhatSomeoneElseChanged:
    def test_is_not_overwritten(self, project):
        read = {project / "pyproject.toml": b"what was read"}
        with pytest.raises(ProjectFileError, match="changed by someone else"):
            write_files(project, changes(project), read=read)
        assert content(project) == OLD

    def test_that_it_came_up_is_seen_too(self, project):
        with pytest.raises(ProjectFileError, match="changed by someone else"):
            write_files(
                project, {project / "vendor/a.whl": b"x"}, read={project / "vendor/a.whl": None}
            )
        assert content(project) == OLD

    def test_while_the_others_are_written_is_kept(self, project):
        script = f"""
import sys
from pathlib import Path
from headrace_registry.errors import ProjectFileError
from headrace_registry.projects import write_files
project = Path({str(project)!r})
def hook(event, arguments):
    if event == "os.rename" and str(arguments[1]).endswith("pyproject.toml"):
        (project / "vendor/a.whl").write_bytes(b"mine")
sys.addaudithook(hook)
try:
    write_files(project, {{project / "pyproject.toml": b"n", project / "vendor/a.whl": b"x"}})
except ProjectFileError as error:
    print(error)
"""
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=False
        )
        assert "changed by someone else" in done.stdout, done.stderr
        assert content(project)["vendor/a.whl"] == b"mine"

    def test_is_not_undone(self, project):
        undo = write_files(project, changes(project))
        (project / "pyproject.toml").write_bytes(b"mine")
        with pytest.raises(ProjectFileError, match="changed by someone else"):
            undo()
        assert content(project) == {**NEW, "pyproject.toml": b"mine"}

    def test_after_a_kill_is_kept_and_the_old_file_named(self, killed):
        act = "with changing(project, files): os._exit(0)"
        project = killed(MAKE, act)[-1]
        (project / "pyproject.toml").write_bytes(b"mine")
        with pytest.raises(ProjectFileError, match=r"change/0\.old is what it was"):
            recover(project)
        assert content(project)["pyproject.toml"] == b"mine"
        assert (project / ".headrace/change/0.old").read_bytes() == b"old\n"


class TestPlaces:
    @pytest.mark.parametrize("path", ["../outside", "vendor/../../x", ".headrace/lock"])
    def test_out_of_the_project_are_refused(self, project, path):
        with pytest.raises(ProjectFileError, match="no file of the project's own"):
            write_files(project, {project / path: b"x"})

    def test_elsewhere_are_refused(self, project, tmp_path_factory):
        with pytest.raises(ProjectFileError, match="not in the project"):
            write_files(project, {tmp_path_factory.mktemp("other") / "x": b"x"})

    def test_behind_a_link_are_refused(self, project, tmp_path_factory):
        outside = tmp_path_factory.mktemp("outside")
        (project / "away").symlink_to(outside)
        (project / "file").symlink_to(outside / "file")
        for path in ("away/x", "file"):
            with pytest.raises(ProjectFileError, match=r"is a link|no plain file"):
                write_files(project, {project / path: b"x"})
        assert list(outside.iterdir()) == []

    @pytest.mark.parametrize(
        "journal",
        [
            '{"files": [{"path": "../../x", "old": null, "new": null, "mode": 0, "made": []}]}',
            '{"files": [{"path": "/etc/x", "old": null, "new": null, "mode": 0, "made": []}]}',
            '{"files": [{"path": "x", "old": null, "new": null, "mode": 0, "made": ["../y"]}]}',
            '{"files": [{"path": "x"}]}',
            "[]",
            "no json",
        ],
    )
    def test_of_a_journal_that_is_not_ours_are_not_touched(self, project, journal):
        (project / ".headrace").mkdir()
        (project / ".headrace/journal.json").write_text(journal)
        with pytest.raises(ProjectFileError, match=r"cannot be read|none that this headrace"):
            recover(project)
        assert content(project) == OLD
