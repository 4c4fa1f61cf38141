"""One distribution's broken metadata is told, and costs nobody else."""

from __future__ import annotations

import os

import pytest

from headrace.plugins import discover

MALFORMED = {
    "a header that is not closed": "[headrace.tools\nx = a:b\n",
    "no value": "[headrace.tools]\nx =\n",
    "no equals sign": "[headrace.tools]\nx\n",
    "no name": "[headrace.tools]\n= a:b\n",
    "a line before any group": "x = a:b\n[headrace.tools]\n",
    "one name twice": "[headrace.tools]\nx = a:b\nx = a:c\n",
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_entry_points_are_told_with_their_line(site, text):
    site.install("acme", points=text)
    (broken,) = discover(path=site.path).broken
    assert "malformed in line" in broken.reason


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_entry_points_cost_nobody_else(site, keys, text):
    site.install("acme", points=text)
    site.tool("sound")
    assert keys(site.path) == ["tools.hammer"]


METADATA = {
    "empty": "",
    "no name": "Version: 1.0\n\n",
    "no version": "Name: acme\n\n",
    "a name that is none": "Name: ../acme\nVersion: 1.0\n\n",
    "a version that is none": "Name: acme\nVersion: \x1b[2J\n\n",
    "a requirement that is none": "Name: acme\nVersion: 1.0\nRequires-Dist: headrace-core >>1\n\n",
}


@pytest.mark.parametrize("text", METADATA.values(), ids=METADATA.keys())
def test_broken_metadata_is_told(site, text):
    site.tool("acme", metadata=text)
    assert [one.distribution for one in discover(path=site.path).broken] == ["acme"]


@pytest.mark.parametrize("text", METADATA.values(), ids=METADATA.keys())
def test_broken_metadata_offers_no_plugin(site, text):
    site.tool("acme", metadata=text)
    assert len(discover(path=site.path)) == 0


def test_missing_metadata_is_told(site):
    (site.tool("acme") / "METADATA").unlink()
    assert "missing" in discover(path=site.path).broken[0].reason


def test_entry_points_in_another_encoding_are_told(site):
    (site.tool("acme") / "entry_points.txt").write_bytes(b"[headrace.tools]\nx\xff = a:b\n")
    assert "UTF-8" in discover(path=site.path).broken[0].reason


def test_metadata_in_another_encoding_is_told(site):
    (site.tool("acme") / "METADATA").write_bytes(b"Name: acme\nVersion: 1\nSummary: \xff\n\n")
    assert "UnicodeDecodeError" in discover(path=site.path).broken[0].reason


def test_entry_points_that_are_a_folder_are_told(site):
    (site.install("acme") / "entry_points.txt").mkdir()
    assert "cannot be read" in discover(path=site.path).broken[0].reason


def test_malformed_entry_points_of_others_are_not_our_business(site):
    site.install("acme", points="[console_scripts\nx\n")
    assert discover(path=site.path).broken == ()


def test_two_versions_side_by_side_are_told(site):
    site.tool("acme", version="1.0")
    site.tool("acme", version="2.0")
    assert "side by side" in discover(path=site.path).broken[0].reason


def test_of_two_versions_side_by_side_the_later_installed_counts(site):
    site.tool("acme", version="1.0")
    os.utime(site.tool("acme", version="2.0"), (1, 1))
    (listed,) = discover(path=site.path).list()
    assert listed.plugin.version == "1.0"


def test_an_unreadable_zip_on_the_path_costs_nobody_else(site, tmp_path, keys):
    site.tool("sound")
    (tmp_path / "cut.zip").write_bytes(b"PK\x03\x04 and no more")
    assert keys([str(tmp_path / "cut.zip"), *site.path]) == ["tools.hammer"]
