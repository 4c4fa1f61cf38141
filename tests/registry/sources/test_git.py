"""Git repositories as sources: references, and what is told when something is the matter."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from headrace_registry.errors import OfflineError, SourceError
from headrace_registry.sources import collect, parse_spec, skills_in, what_changed

from .conftest import Repository, skill_text, write

FILES = {"skills/tides/SKILL.md": skill_text("tides"), "skills/tides/scripts/tell.py": "print(1)\n"}
AFTER = {"skills/tides/scripts/tell.py": "print(2)\n"}


def made(text: str, project, **more):
    return collect(parse_spec(text), project=project, **more)


@pytest.fixture
def first(repository):
    """A repository with a skill, and its commit."""
    return repository.commit(FILES)


class TestAReference:
    def test_that_is_not_given_is_the_repositorys_own(self, repository, first, project):
        (one,) = made(f"git+{repository.url}", project)
        assert (one.name, one.commit) == ("skill-tides", first)

    def test_may_be_a_branch(self, repository, first, project):
        repository.git("branch", "feat/one")
        repository.commit(AFTER)
        assert made(f"git+{repository.url}@feat/one", project)[0].commit == first

    def test_may_be_a_tag(self, repository, first, project):
        repository.git("tag", "v1")
        repository.commit(AFTER)
        assert made(f"git+{repository.url}@v1", project)[0].commit == first

    def test_may_be_a_tag_with_a_text_and_then_stands_for_its_commit(
        self, repository, first, project
    ):
        repository.git("tag", "-a", "v1", "-m", "First")
        repository.commit(AFTER)
        assert made(f"git+{repository.url}@v1", project)[0].commit == first

    def test_may_be_any_commit(self, repository, first, project):
        repository.commit(AFTER)
        assert made(f"git+{repository.url}@{first}", project)[0].commit == first

    def test_may_be_a_full_name(self, repository, first, project):
        repository.git("tag", "main")
        second = repository.commit(AFTER)
        assert made(f"git+{repository.url}@refs/tags/main", project)[0].commit == first
        assert made(f"git+{repository.url}@refs/heads/main", project)[0].commit == second

    def test_that_is_a_branch_and_a_tag_is_asked_about(self, repository, first, project):
        repository.git("tag", "main")
        with pytest.raises(SourceError, match=r"@refs/tags/main or @refs/heads/main"):
            made(f"git+{repository.url}@main", project)

    def test_that_is_not_there_is_told_with_its_like(self, repository, first, project):
        repository.git("tag", "v1.0")
        with pytest.raises(SourceError, match=r"no branch or tag 'v1.1'\n.*did you mean v1.0"):
            made(f"git+{repository.url}@v1.1", project)

    def test_that_is_not_there_is_told_with_what_is(self, repository, first, project):
        with pytest.raises(SourceError, match="it has main"):
            made(f"git+{repository.url}@zzzz", project)

    def test_that_is_a_part_of_a_commit_is_told_to_be_too_short(self, repository, first, project):
        with pytest.raises(SourceError, match="give all of its 40 digits"):
            made(f"git+{repository.url}@{first[:10]}", project)

    def test_that_is_a_commit_of_elsewhere_is_told(self, repository, first, project):
        with pytest.raises(SourceError, match="no such commit"):
            made(f"git+{repository.url}@{'0' * 39}1", project)

    def test_that_is_no_commit_is_told(self, repository, first, project):
        repository.git("tag", "blob", f"{first}:skills/tides/SKILL.md")
        with pytest.raises(SourceError, match="'blob' is no commit"):
            made(f"git+{repository.url}@blob", project)


class TestWhatIsMade:
    def test_is_the_same_as_of_the_folder(self, repository, first, project):
        (one,) = made(f"git+{repository.url}", project)
        (other,) = made(str(repository.folder / "skills/tides"), project)
        assert one.wheel == other.wheel

    def test_is_recorded_with_its_folder_and_gives_the_same_again(self, repository, project):
        repository.commit({**FILES, "skills/gulls/SKILL.md": skill_text("gulls")})
        repository.git("tag", "v1")
        (one,) = made(f"git+{repository.url}@v1", project, skills=["tides"])
        assert one.spec == f"git+{repository.url}@v1#subdirectory=skills/tides"
        (again,) = made(one.spec, project)
        assert not what_changed(one.source, again)

    def test_of_a_branch_that_moved_is_told_to_be_another(self, repository, first, project):
        (one,) = made(f"git+{repository.url}@main", project)
        second = repository.commit(AFTER)
        (now,) = made(one.spec, project)
        assert (
            what_changed(one.source, now)
            == f"the reference stood for {first[:12]}, and stands for {second[:12]} now"
        )

    def test_of_a_branch_that_moved_elsewhere_is_the_same(self, repository, first, project):
        (one,) = made(f"git+{repository.url}@main", project)
        repository.commit({"README.md": "More."})
        assert not what_changed(one.source, made(one.spec, project)[0])

    def test_keeps_who_may_be_run(self, repository, project, tmp_path):
        write(repository.folder, FILES)
        (repository.folder / "skills/tides/scripts/tell.py").chmod(0o755)
        repository.commit({})
        (one,) = made(f"git+{repository.url}", project)
        assert one.wheel == made(str(repository.folder), project)[0].wheel

    def test_of_a_folder_that_is_not_there_is_told(self, repository, first, project):
        with pytest.raises(SourceError, match="has no folder 'skills/gulls'"):
            made(f"git+{repository.url}#subdirectory=skills/gulls", project)

    def test_of_a_link_within_the_skill_is_the_file(self, repository, project):
        write(repository.folder, FILES)
        (repository.folder / "skills/tides/other.py").symlink_to("scripts/tell.py")
        repository.commit({})
        (one,) = made(f"git+{repository.url}", project)
        assert "other.py" in one.skills[0].files


def test_a_path_with_an_at_sign_is_found_again(tmp_path, project):
    repository = Repository(tmp_path / "a@b" / "repository")
    first = repository.commit(FILES)
    (one,) = made(f"git+{repository.url}@main", project)
    (again,) = made(one.spec.replace("@main", ""), project)
    assert (one.commit, again.commit) == (first, first)


class TestGitItself:
    def test_is_not_led_elsewhere_by_variables(self, repository, first, project, monkeypatch):
        for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
            monkeypatch.setenv(name, "/nowhere")
        assert made(f"git+{repository.url}", project)[0].commit == first

    def test_runs_no_hook_of_a_users_template(
        self, repository, first, project, monkeypatch, tmp_path
    ):
        text = f"#!/bin/sh\ntouch {tmp_path}/ran\n"
        hooks = write(tmp_path / "template/hooks", {"reference-transaction": text})
        (hooks / "reference-transaction").chmod(0o755)
        config = write(tmp_path, {"config": f"[core]\nhooksPath = {hooks}\n"}) / "config"
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
        monkeypatch.setenv("GIT_TEMPLATE_DIR", str(hooks.parent))
        made(f"git+{repository.url}", project)
        assert not (tmp_path / "ran").exists()

    def test_is_content_with_less_than_it_may_have(self, repository, first, project):
        script = f"""
import resource
from pathlib import Path
from headrace_registry.sources import collect, parse_spec
for what in (resource.RLIMIT_FSIZE, resource.RLIMIT_DATA):
    resource.setrlimit(what, (300_000_000, 300_000_000))
print(collect(parse_spec("git+{repository.url}"), project=Path({str(project)!r}))[0].name)
"""
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=False
        )
        assert done.stdout == "skill-tides\n", done.stderr

    def test_leaves_nothing_behind(self, repository, first, project, tmp_path, monkeypatch):
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        monkeypatch.setattr("tempfile.tempdir", str(scratch))
        made(f"git+{repository.url}", project)
        assert list(scratch.iterdir()) == []

    def test_that_is_missing_is_told(self, repository, first, project, monkeypatch):
        monkeypatch.setenv("PATH", "/nowhere")
        with pytest.raises(SourceError, match="no git on this machine"):
            made(f"git+{repository.url}", project)

    def test_says_in_plain_words_that_there_is_no_repository(self, project, tmp_path):
        with pytest.raises(SourceError, match="there is no repository at that address"):
            made(f"git+file://{tmp_path}/none", project)

    def test_says_in_plain_words_that_a_host_is_away(self, project):
        with pytest.raises(SourceError, match="it cannot be reached"):
            made("git+http://127.0.0.1:1/a", project)

    def test_is_not_asked_where_the_network_must_not_be_used(self, project):
        with pytest.raises(OfflineError, match="--offline"):
            made("git+https://example.org/a", project, offline=True)

    def test_works_offline_with_what_is_on_this_machine(self, repository, first, project):
        assert made(f"git+{repository.url}", project, offline=True)[0].commit == first


def test_an_empty_repository_is_told(tmp_path, project):
    empty = Repository(tmp_path / "empty")
    with pytest.raises(SourceError, match="no such commit"):
        made(f"git+{empty.url}", project)


def test_a_large_history_is_not_fetched(repository, project, tmp_path, monkeypatch):
    noise = os.urandom(200_000)
    repository.commit({"big": noise})
    (repository.folder / "big").unlink()
    repository.commit(FILES)
    monkeypatch.setattr("headrace_registry.sources._git.MAX_PACK", 50_000)
    assert [one.name for one in skills_in(parse_spec(f"git+{repository.url}"))] == ["tides"]
    with pytest.raises(SourceError, match="it is larger than"):
        made(f"git+{repository.url}@{repository.git('rev-parse', 'HEAD~')}", project)
