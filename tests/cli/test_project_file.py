"""The project's file as editors of other systems save it."""

from __future__ import annotations

import pytest

from headrace_cli._errors import CommandError
from headrace_cli._project import read_project

TEXT = '[tool.agents]\nagent = "desk:Agent"\n'


@pytest.mark.parametrize(
    "content",
    [TEXT.encode("utf-8-sig"), TEXT.replace("\n", "\r\n").encode()],
    ids=["with a byte order mark", "with Windows' line ends"],
)
def test_is_read(tmp_path, content):
    (tmp_path / "pyproject.toml").write_bytes(content)
    project = read_project(tmp_path)
    assert project is not None
    assert project.agent == "desk:Agent"


def test_in_another_encoding_is_told(tmp_path):
    (tmp_path / "pyproject.toml").write_bytes(TEXT.replace("desk", "d\xe9sk").encode("latin-1"))
    with pytest.raises(CommandError, match="not TOML"):
        read_project(tmp_path)
