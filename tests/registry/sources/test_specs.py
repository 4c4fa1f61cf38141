"""What a text means that says where something comes from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from headrace_registry.errors import SourceError
from headrace_registry.sources import (
    FolderSpec,
    GitSpec,
    NameSpec,
    WheelSpec,
    ZipSpec,
    parse_spec,
)

HUB = "https://github.com"


@pytest.mark.parametrize("text", ["tides", "tides>=1,<2", "tides[http]~=1.2", "My.Tides"])
def test_a_name_or_requirement_is_one(text):
    assert parse_spec(text) == NameSpec(Requirement(text))


@pytest.mark.parametrize("name", ["tides", "skills"])
def test_a_name_never_means_a_folder(tmp_path, name):
    (tmp_path / name).mkdir()
    assert parse_spec(name, folder=tmp_path) == NameSpec(Requirement(name))


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("./tides", FolderSpec(Path("tides"))),
        ("../tides", FolderSpec(Path("../tides"))),
        (".", FolderSpec(Path())),
        ("/srv/tides", FolderSpec(Path("/srv/tides"))),
        ("./tides/SKILL.md", FolderSpec(Path("tides"))),
        ("dist/tides-1-py3-none-any.whl", WheelSpec(Path("dist/tides-1-py3-none-any.whl"))),
        ("tides.zip", ZipSpec(Path("tides.zip"))),
        ("tides.skill", ZipSpec(Path("tides.skill"))),
        ("./a/Tides.ZIP", ZipSpec(Path("a/Tides.ZIP"))),
        ("all.zip#subdirectory=skills/tides", ZipSpec(Path("all.zip"), "skills/tides")),
    ],
)
def test_a_path_is_what_looks_like_one(text, means):
    assert parse_spec(text) == means


def test_what_has_a_slash_is_a_folder_where_there_is_one(tmp_path):
    (tmp_path / "acme/skills").mkdir(parents=True)
    assert parse_spec("acme/skills", folder=tmp_path) == FolderSpec(Path("acme/skills"))
    assert parse_spec("acme/tools", folder=tmp_path) == GitSpec(f"{HUB}/acme/tools")


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("git+https://example.org/a", GitSpec("https://example.org/a")),
        ("git+https://example.org/a.git@v1", GitSpec("https://example.org/a.git", "v1")),
        (
            "git+https://example.org/a@feat/x#subdirectory=skills/b",
            GitSpec("https://example.org/a", "feat/x", "skills/b"),
        ),
        ("git+ssh://git@example.org/a@v1", GitSpec("ssh://git@example.org/a", "v1")),
        ("git+file:///srv/a.git", GitSpec("file:///srv/a.git")),
        ("tides @ git+https://example.org/a@v1", GitSpec("https://example.org/a", "v1")),
        ("acme/tools", GitSpec(f"{HUB}/acme/tools")),
        ("acme/tools@v1.2", GitSpec(f"{HUB}/acme/tools", "v1.2")),
        ("acme/tools/skills/b", GitSpec(f"{HUB}/acme/tools", None, "skills/b")),
        ("acme/tools@v1/skills/b", GitSpec(f"{HUB}/acme/tools", "v1", "skills/b")),
        ("acme/tools/skills/b@v1", GitSpec(f"{HUB}/acme/tools", "v1", "skills/b")),
        ("https://example.org/a/b.git", GitSpec("https://example.org/a/b.git")),
        (f"{HUB}/acme/tools/tree/main/a/b", GitSpec(f"{HUB}/acme/tools", "main", "a/b")),
        (
            f"{HUB}/acme/tools/blob/v2/a/SKILL.md",
            GitSpec(f"{HUB}/acme/tools", "v2", "a"),
        ),
        (
            "https://gitlab.com/g/sub/tools/-/tree/main/a",
            GitSpec("https://gitlab.com/g/sub/tools", "main", "a"),
        ),
        (
            "https://codeberg.org/acme/tools/src/branch/main/a",
            GitSpec("https://codeberg.org/acme/tools", "main", "a"),
        ),
    ],
)
def test_repositories(text, means):
    assert parse_spec(text) == means


@pytest.mark.parametrize(
    "text",
    [
        "git+https://example.org/a@feat/x#subdirectory=skills/b%20c",
        "git+file:///srv/a%20b.git",
        "git+ssh://git@example.org:2222/a",
        "git+https://example.org/%40acme/a",
        "git+https://example.org/a@release%40may%231",
        "./all.zip#subdirectory=skills/b",
        "./tides",
        "../tides",
    ],
)
def test_a_source_is_written_so_that_it_means_the_same_again(text):
    means = parse_spec(text)
    assert str(means) == text
    assert parse_spec(str(means)) == means


def test_naming_a_package_loads_neither_the_audit_nor_what_reads_sources():
    script = (
        "import sys; from headrace_registry.sources import parse_spec; parse_spec('tides>=1'); "
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "headrace_registry.sources._specs" in loaded
    assert not loaded & {"headrace_skills", "headrace_registry.sources._git", "uv", "pydantic"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "nothing was named"),
        ("-r", "looks like an option"),
        ("--upload-pack=touch x", "looks like an option"),
        ("two words", "is no name, path or address"),
        ("tides\nother", "characters that are not seen"),
        ("git@example.org:acme/tools.git", "git[+]ssh://git@example.org/acme/tools.git"),
        ("git+ext::sh -c date", "has the scheme 'ext'"),
        ("git+https://", "names no repository"),
        ("git+https:///a/b", "names no repository"),
        ("git+https://example.org/a@--upload-pack=x", "is no name of a branch"),
        ("git+https://example.org/a@a..b", "is no name of a branch"),
        ("git+https://example.org/a@x:y", "is no name of a branch"),
        ("git+https://-oProxyCommand=x/a", "looks like an option"),
        ("git+ssh://-oProxyCommand=x@example.org/a", "looks like an option"),
        ("git+https://example.org/a#subdirectory=../b", "no folder within"),
        ("git+https://example.org/a#egg=b&subdirectory=/b", "no folder within"),
        ("git+https://example.org/a#v1", "must be #subdirectory=DIR"),
        ("acme/tools/../x", "no folder within"),
        ("acme/tools@v1/a@v2", "two references"),
        ("https://example.org/tides.zip", "download it"),
        ("tides @ https://example.org/tides.whl", "download it"),
    ],
)
def test_what_means_nothing_is_refused(text, told):
    with pytest.raises(SourceError, match=told):
        parse_spec(text)


@pytest.mark.parametrize(
    "text",
    [
        "git+https://ada:s3cret@example.org/a",
        "git+https://s3cret@example.org/a",
        "git+ssh://ada:s3cret@example.org/a",
        "https://ada:s3cret@example.org/a/b",
        "tides @ git+https://ada:s3cret@example.org/a",
        "tides @ https://ada:s3cret@example.org/tides.whl",
        "https://ada:s3cret@example.org/tides.zip",
    ],
)
def test_a_login_is_refused_and_not_shown(text):
    with pytest.raises(SourceError, match=r"holds a login|download it") as caught:
        parse_spec(text)
    assert "s3cret" not in str(caught.value)
