"""Git repositories over HTTP, from git's own server."""

from __future__ import annotations

import pytest

from headrace_registry.errors import DownloadError, SourceError
from headrace_registry.sources import collect, parse_spec

from .conftest import skill_text, write
from .serving import serving

FILES = {"skills/tides/SKILL.md": skill_text("tides")}


def made(text: str, project, **more):
    return collect(parse_spec(text), project=project, **more)


@pytest.fixture
def first(repository):
    commit = repository.commit(FILES)
    repository.git("tag", "-a", "v1", "-m", "First")
    repository.commit({"skills/tides/other.md": "More."})
    return commit


@pytest.mark.parametrize("ref", ["v1", "refs/tags/v1", None])
def test_a_reference_is_fetched_over_http(repository, first, project, tmp_path, ref):
    with serving(tmp_path) as url:
        (one,) = made(f"git+{url}/repository/.git@{ref or first}", project)
    assert one.commit == first
    assert one.spec.startswith("git+http://127.0.0.1:")
    assert one.wheel == made(f"git+{repository.url}@v1", project)[0].wheel


def test_an_address_of_the_web_is_a_repository(repository, first, project, tmp_path):
    with serving(tmp_path) as url:
        assert made(f"{url}/repository/.git/tree/v1/skills/tides", project)[0].commit == first


class TestALogin:
    def test_is_that_of_the_users_credential_helper(
        self, repository, first, project, tmp_path, monkeypatch
    ):
        helper = "!f() { echo username=ada; echo password=s3cret; }; f"
        text = f'[credential]\n\thelper = "{helper}"\n'
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(write(tmp_path, {"config": text}) / "config"))
        with serving(tmp_path, login="ada:s3cret") as url:
            (one,) = made(f"git+{url}/repository/.git@v1", project)
        assert one.commit == first
        assert "s3cret" not in one.spec

    def test_that_is_missing_is_told_and_never_asked_for(
        self, repository, first, project, tmp_path, monkeypatch
    ):
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
        with (
            serving(tmp_path, login="ada:s3cret") as url,
            pytest.raises(SourceError, match=r"asks for a login(?s:.*)git ls-remote"),
        ):
            made(f"git+{url}/repository/.git", project)


def test_what_is_not_there_is_told(project, tmp_path):
    with serving(tmp_path) as url, pytest.raises(SourceError, match="there is no repository"):
        made(f"git+{url}/none", project)


def test_a_server_cannot_send_git_to_this_machines_files(repository, first, project, tmp_path):
    with (
        serving(tmp_path, elsewhere=f"file://{repository.folder}?") as url,
        pytest.raises(SourceError, match="git says"),
    ):
        made(f"git+{url}/repository", project)


def test_a_server_that_does_not_answer_is_given_up(project, tmp_path, monkeypatch):
    monkeypatch.setattr("headrace_registry.sources._git.SECONDS", 0.5)
    with serving(tmp_path, silent=True) as url, pytest.raises(DownloadError, match="took longer"):
        made(f"git+{url}/repository", project)


def test_an_answer_without_end_is_ended(project, tmp_path, monkeypatch):
    monkeypatch.setattr("headrace_registry.sources._git.MAX_MEMORY", 64 * 1024**2)
    with serving(tmp_path, endless=True) as url, pytest.raises(SourceError, match="larger than"):
        made(f"git+{url}/repository", project)
