"""What RECORDs say of skills is read once for each state that they are in."""

from __future__ import annotations

import json
import os
import time

import pytest

from headrace_skills import _shipped
from headrace_skills._shipped import Shipped

LINE = "{package}/.agents/skills/{name}/SKILL.md,sha256=x,1\n"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of its own; the clock stands ten seconds later, so that no stamp is too young."""
    monkeypatch.setenv("HEADRACE_CACHE_DIR", str(tmp_path / "cache"))
    real = time.time_ns
    monkeypatch.setattr(_shipped.time, "time_ns", lambda: real() + 10_000_000_000)
    return tmp_path / "cache/skills"


@pytest.fixture
def info(tmp_path):
    folder = tmp_path / "site/acme-1.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "RECORD").write_text(LINE.format(package="acme", name="triage"))
    return folder


def run(info):
    """What one run of the command finds."""
    shipped = Shipped([str(info.parent)])
    found = shipped.folders(info)
    shipped.keep()
    return found


def test_a_record_is_read_once_for_the_state_it_is_in(info, monkeypatch):
    assert run(info) == ["acme/.agents/skills/triage"]

    def read(_record):
        raise AssertionError("read again")

    monkeypatch.setattr(_shipped, "_recorded", read)
    assert run(info) == ["acme/.agents/skills/triage"]


def test_a_changed_record_is_read_again(info):
    run(info)
    (info / "RECORD").write_text(LINE.format(package="acme", name="other"))
    assert run(info) == ["acme/.agents/skills/other"]


def test_a_record_of_the_same_size_and_time_that_is_another_file_is_read_again(info):
    run(info)
    was = (info / "RECORD").stat()
    new = info / "NEW"
    new.write_text(LINE.format(package="acme", name="thirds"))
    os.utime(new, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert new.stat().st_size == was.st_size
    new.replace(info / "RECORD")
    assert run(info) == ["acme/.agents/skills/thirds"]


def test_nothing_is_kept_of_a_record_that_is_too_young_to_be_sure_of(info, cache, monkeypatch):
    written = (info / "RECORD").stat().st_ctime_ns
    monkeypatch.setattr(_shipped.time, "time_ns", lambda: written + 1)
    run(info)
    assert not cache.exists()


def test_a_distribution_that_is_gone_is_forgotten(info, cache):
    run(info)
    shipped = Shipped([str(info.parent)])
    shipped.keep()
    (file,) = cache.iterdir()
    assert json.loads(file.read_text())["records"] == {}


@pytest.mark.parametrize(
    "folders", [["../../etc"], ["/etc"], [3], "acme", None], ids=["up", "root", "no", "text", "nil"]
)
def test_what_was_put_into_the_cache_leads_nowhere_else(info, cache, folders):
    run(info)
    (file,) = cache.iterdir()
    content = json.loads(file.read_text())
    for record in content["records"].values():
        record[1] = folders
    file.write_text(json.dumps(content))
    assert run(info) == ["acme/.agents/skills/triage"]


@pytest.mark.parametrize("text", ["", "[]", '{"format": 1}', '{"format": 9, "records": {}}'])
def test_a_broken_cache_is_as_none(info, cache, text):
    run(info)
    (file,) = cache.iterdir()
    file.write_text(text)
    assert run(info) == ["acme/.agents/skills/triage"]


@pytest.mark.parametrize("path", ["../x/.agents/skills/a/SKILL.md", "/x/.agents/skills/a/SKILL.md"])
def test_a_record_leads_nowhere_else(info, path):
    (info / "RECORD").write_text(f"{path},,\n")
    assert run(info) == []


def test_a_distribution_without_a_record_ships_none(info):
    (info / "RECORD").unlink()
    assert run(info) == []
