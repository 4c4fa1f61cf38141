"""What a project says of the machines and the Flink that its jobs run on."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace_registry.errors import SettingsError
from headrace_registry.settings import Target, read_settings


def targets(*said):
    return read_settings({"targets": list(said)}, Path("/project")).targets


def on(python="3.11", platform="linux/amd64", **more):
    return {"python": python, "platform": platform, **more}


def test_a_target_may_name_a_line_of_flink():
    assert [one.flink for one in targets(on(), on("3.10", flink="1.20"))] == [None, "1.20"]


def test_it_is_told_with_the_machine():
    assert str(Target("3.10", "linux/amd64", "1.20")) == (
        "Python 3.10 on linux/amd64 with Flink 1.20"
    )


@pytest.mark.parametrize("line", ["1.19", "2.3.0", "2", "", 2.3, ["2.3"]])
def test_a_line_that_is_none_is_refused_with_those_that_are_known(line):
    with pytest.raises(SettingsError, match=r"targets.flink must be .*: 1\.20, 2\.0, .* 2\.3"):
        targets(on(flink=line))


@pytest.mark.parametrize("line", ["1.20", "2.0"])
def test_a_python_that_pyflink_is_not_for_is_refused(line):
    with pytest.raises(SettingsError, match=f"Flink {line} has no PyFlink for Python 3.12"):
        targets(on("3.12", flink=line))


def test_one_machine_cannot_have_two_lines():
    with pytest.raises(SettingsError, match=r"one machine twice: .*Flink 1\.20, and .*Flink 2\.3"):
        targets(on(flink="1.20"), on(flink="2.3"))
