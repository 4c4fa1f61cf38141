"""The releases of Flink, held against what is pinned, packaged and installed."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from headrace.flink.releases import NEWEST, OLDEST, RELEASES, line_of, release_of

ROOT = Path(__file__).parents[3]


def pinned(file: str, name: str) -> list[str]:
    return re.findall(rf"^{name}==([^ ;\\]+)", (ROOT / file).read_text(), re.MULTILINE)


def test_they_are_listed_from_the_oldest_on():
    lines = [tuple(map(int, one.line.split("."))) for one in RELEASES]
    assert lines == sorted(set(lines))
    assert [line_of(one.version) for one in RELEASES] == [one.line for one in RELEASES]


def test_a_version_is_known_by_its_line():
    assert release_of("1.20.99") is release_of("1.20") is OLDEST
    assert release_of("2.30.0") is None
    assert release_of("two") is None


def test_the_newest_is_what_is_installed_where_nobody_asks_for_another():
    assert pinned("constraints.txt", "apache-flink") == [NEWEST.version]


@pytest.mark.parametrize("release", RELEASES[:-1], ids=lambda one: one.version)
def test_each_other_one_has_pins_of_its_own(release):
    file = f"constraints/flink-{release.version}.txt"
    assert pinned(file, "apache-flink") == [release.version]
    assert pinned(file, "apache-flink-libraries") == [release.version]


def test_no_other_one_has_pins():
    have = {one.stem.removeprefix("flink-") for one in (ROOT / "constraints").iterdir()}
    assert have == {one.version for one in RELEASES[:-1]}


@pytest.mark.parametrize("release", RELEASES, ids=lambda one: one.version)
def test_the_package_admits_each(release):
    wanted = [Requirement(one) for one in metadata.requires("headrace-core")]
    (flink,) = {str(one.specifier) for one in wanted if one.name == "apache-flink"}
    assert Requirement(f"x{flink}").specifier.contains(release.version)


@pytest.mark.smoke
@pytest.mark.flink
def test_its_pythons_are_those_that_the_installed_one_names():
    release = release_of(metadata.version("apache-flink"))
    named = metadata.metadata("apache-flink").get_all("Classifier")
    pythons = {one.rpartition(" ")[2] for one in named if one.startswith("Programming Language")}
    assert set(release.pythons) == pythons & {"3.10", "3.11", "3.12"}
