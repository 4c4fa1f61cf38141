"""Repositories that were made to do harm: none of it reaches this machine or the package."""

from __future__ import annotations

import pytest

from headrace_registry.errors import SourceError
from headrace_registry.sources import collect, parse_spec, skills_in
from headrace_registry.sources._carriers import Writer, check_path

from .conftest import Repository, skill_text, write

TIDES = skill_text("tides").encode()


def made(text: str, project, **more):
    return collect(parse_spec(text), project=project, **more)


def files(one) -> tuple[str, ...]:
    return one.skills[0].files


class TestNames:
    @pytest.mark.parametrize("name", ["..", ".git", ".GIT", "git~1", "."])
    def test_that_lead_elsewhere_are_refused(self, repository, project, tmp_path, name):
        repository.commit_tree([("100644", "SKILL.md", TIDES), ("100644", name, b"evil")])
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(SourceError, match="no honest repository has"):
            made(f"git+{repository.url}", project)
        assert sorted(tmp_path.rglob("*")) == before

    @pytest.mark.parametrize(
        "raw", [b"../x", b"a/../../x", b"/etc/x", b"a/.git/hooks/x", b".GIT/config", b"a/git~1/x"]
    )
    def test_that_git_would_have_let_through_are_refused_here(self, raw):
        with pytest.raises(SourceError, match="no honest repository has"):
            check_path(raw, "it")

    @pytest.mark.parametrize("raw", [b"a\\b", b"a\nb", b"\xff", b"a\x1b[2J", b"a//b", b""])
    def test_that_no_skill_can_have_are_left_out(self, raw):
        assert check_path(raw, "it") is None

    def test_that_differ_by_case_only_are_refused(self, repository, project):
        repository.commit_tree(
            [("100644", "README", b"1"), ("100644", "SKILL.md", TIDES), ("100644", "readme", b"2")]
        )
        with pytest.raises(SourceError, match="'README' and 'readme' are one file"):
            made(f"git+{repository.url}", project)

    @pytest.mark.parametrize("name", ["../../evil", "..", "{}/evil"])
    def test_of_the_skill_lead_nowhere(self, repository, project, tmp_path, name):
        repository.commit({"SKILL.md": skill_text(name.format(tmp_path))})
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(SourceError, match="cannot be a folder's"):
            made(f"git+{repository.url}", project)
        assert sorted(tmp_path.rglob("*")) == before


class TestLinks:
    @pytest.mark.parametrize("target", ["/etc/passwd", "../../../../etc/passwd", "../secret"])
    def test_that_lead_out_of_the_skill_are_refused(self, repository, project, target):
        write(repository.folder, {"skills/tides/SKILL.md": TIDES, "skills/secret": "x"})
        (repository.folder / "skills/tides/data").symlink_to(target)
        repository.commit({})
        with pytest.raises(SourceError, match=r"leads (out|to nothing)"):
            made(f"git+{repository.url}", project)

    def test_elsewhere_in_the_repository_harm_nobody(self, repository, project):
        write(repository.folder, {"skills/tides/SKILL.md": TIDES})
        (repository.folder / "passwords").symlink_to("/etc/passwd")
        repository.commit({})
        assert files(made(f"git+{repository.url}", project)[0]) == ("SKILL.md",)

    def test_in_the_place_of_a_skill_are_not_read(self, repository, project, tmp_path):
        write(tmp_path, {"secret/SKILL.md": skill_text("secret")})
        (repository.folder / "SKILL.md").symlink_to(tmp_path / "secret/SKILL.md")
        repository.commit({})
        with pytest.raises(SourceError, match="cannot be used"):
            made(f"git+{repository.url}", project)

    def test_that_are_none_spoil_their_own_skill_only(self, repository, project):
        write(repository.folder, {"skills/tides/SKILL.md": TIDES, "skills/evil/a": "x"})
        (repository.folder / "skills/evil/SKILL.md").symlink_to("x" * 2000)
        repository.commit({})
        found = {one.name: one.broken for one in skills_in(parse_spec(f"git+{repository.url}"))}
        assert not found["tides"]
        assert "none that is taken" in found["evil"]

    def test_are_never_written_through(self, tmp_path):
        outside = tmp_path / "outside"
        outside.mkdir()
        writer = Writer(tmp_path / "into", "it")
        writer.link("away", str(outside).encode())
        writer.file("away/file", b"x", executable=False)
        with pytest.raises(SourceError, match="none that is taken"):
            writer.finish()
        other = Writer(tmp_path / "other", "it")
        other.link("away", str(outside).encode())
        other.link("away/below", b"x")
        with pytest.raises(SourceError, match="none that is taken"):
            other.finish()
        assert list(outside.iterdir()) == []


class TestWhatGitWouldRun:
    def test_a_submodule_is_not_fetched(self, repository, project, tmp_path):
        other = Repository(tmp_path / "other")
        commit = other.commit({"evil.py": "x"})
        write(repository.folder, {"SKILL.md": TIDES})
        modules = f'[submodule "evil"]\npath = evil\nurl = {other.url}\n'
        write(repository.folder, {".gitmodules": modules})
        repository.git("add", "--all")
        repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},evil")
        repository.git("commit", "--quiet", "-m", "A submodule")
        assert files(made(f"git+{repository.url}", project)[0]) == (".gitmodules", "SKILL.md")

    def test_a_submodule_that_is_a_command_is_refused(self, repository, project):
        modules = '[submodule "evil"]\npath = evil\nurl = -u./evil\n'
        repository.commit({"SKILL.md": TIDES, ".gitmodules": modules})
        with pytest.raises(SourceError, match="no honest repository has"):
            made(f"git+{repository.url}", project)

    def test_no_filter_or_hook_is_run(self, repository, project, tmp_path, monkeypatch):
        run = f"touch {tmp_path}/ran"
        config = f'[filter "evil"]\nsmudge = {run}\nclean = {run}\nrequired = true\n'
        path = write(tmp_path, {"config": config}) / "config"
        repository.commit(
            {"SKILL.md": TIDES, "data.txt": "kept", ".gitattributes": "* filter=evil"}
        )
        hook = repository.folder / ".git/hooks/post-checkout"
        write(hook.parent, {hook.name: f"#!/bin/sh\n{run}\n"})
        hook.chmod(0o755)
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(path))
        (one,) = made(f"git+{repository.url}", project)
        assert files(one) == (".gitattributes", "SKILL.md", "data.txt")
        assert not list(tmp_path.rglob("ran"))

    def test_a_large_file_that_is_kept_elsewhere_is_not_fetched(self, repository, project):
        pointer = (
            f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 5000000000\n"
        )
        repository.commit(
            {"SKILL.md": TIDES, "model.bin": pointer, ".gitattributes": "*.bin filter=lfs"}
        )
        (one,) = made(f"git+{repository.url}", project)
        assert one.wheel.count(pointer.encode()) == 1


class TestBounds:
    def test_of_all_bytes(self, repository, project, monkeypatch):
        monkeypatch.setattr("headrace_registry.sources._carriers.MAX_BYTES", 50_000)
        repository.commit({"SKILL.md": TIDES, "zeros": b"\0" * 100_000})  # a few bytes in a pack
        with pytest.raises(SourceError, match="what is asked for has more than"):
            made(f"git+{repository.url}", project)

    def test_of_files(self, repository, project, monkeypatch):
        monkeypatch.setattr("headrace_registry.sources._repository.MAX_FILES", 20)
        repository.commit({"SKILL.md": TIDES, **{f"many/{n}": str(n) for n in range(30)}})
        with pytest.raises(SourceError, match="more than 20 files"):
            made(f"git+{repository.url}", project)

    def test_of_trees_that_unfold(self, repository, project):
        """Ten levels of ten names for one tree: a few hundred bytes, ten thousand million files."""
        tree = repository.git("mktree", given=_row("blob", "100644", repository, b"x", "f"))
        for _ in range(10):
            rows = "".join(f"040000 tree {tree}\tf{n}\n" for n in range(10))
            tree = repository.git("mktree", given=rows.encode())
        commit = repository.git("commit-tree", tree, "-m", "Unfolds")
        repository.git("update-ref", "refs/heads/main", commit)
        with pytest.raises(SourceError, match="more names than are read"):
            made(f"git+{repository.url}", project)


def _row(kind: str, mode: str, repository: Repository, data: bytes, name: str) -> bytes:
    sha = repository.git("hash-object", "-w", "-t", kind, "--stdin", given=data)
    return f"{mode} {kind} {sha}\t{name}\n".encode()
