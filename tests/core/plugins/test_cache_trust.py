"""Whatever is wrong with the cache, the answer is right and nothing is said."""

from __future__ import annotations

import json
import os
import stat

import pytest

from headrace.plugins import _kept

pytestmark = pytest.mark.usefixtures("aged")


@pytest.fixture
def kept(site, keys, cache_folder):
    """Give the file of a kept answer that holds a plugin."""
    site.tool("acme")
    keys(site.path)
    (file,) = cache_folder.iterdir()
    return file


def forge(file, **changes):
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


EVIL = [["tools", "evil", "acme", "1.0", "evil:evil", "/evil", False, None]]


def test_the_file_is_readable_by_its_owner_only(kept):
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_no_draft_is_left_behind(kept):
    assert [one.name for one in kept.parent.iterdir()] == [kept.name]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"format": 1}',
    ],
    ids=["empty", "cut", "null", "list", "object", "bytes", "deep", "partial"],
)
def test_a_file_that_is_no_answer_is_passed_over(kept, site, keys, content):
    kept.write_bytes(content)
    assert keys(site.path) == ["tools.hammer"]


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "0"},
        {"core": "0.0"},
        {"signature": []},
        {"watched": None},
        {"watched": {"/no/such/file": [1, 2, 3, 4]}},
        {"plugins": [["tools"]]},
        {"plugins": [["tools", 1, "a", "1", "a:b", "/", False, None]]},
        {"plugins": [["no such kind", "x", "a", "1", "a:b", "/", False, None]]},
        {"broken": [[1, 2, 3]]},
        {"fits": []},
    ],
    ids=str,
)
def test_an_answer_that_is_not_whole_is_passed_over(kept, site, keys, changes):
    forge(kept, **changes)
    assert keys(site.path) == ["tools.hammer"]


def test_a_file_that_others_may_write_is_passed_over(kept, site, keys):
    forge(kept, plugins=EVIL)
    kept.chmod(0o666)
    assert keys(site.path) == ["tools.hammer"]


def test_a_folder_that_others_may_write_is_passed_over(kept, site, keys):
    forge(kept, plugins=EVIL)
    kept.parent.chmod(0o777)
    assert keys(site.path) == ["tools.hammer"]


def test_a_link_is_not_followed(kept, site, keys, tmp_path):
    forge(kept, plugins=EVIL)
    kept.rename(tmp_path / "evil.json")
    kept.symlink_to(tmp_path / "evil.json")
    assert keys(site.path) == ["tools.hammer"]


def test_a_file_of_another_user_is_passed_over(kept, site, keys, monkeypatch):
    forge(kept, plugins=EVIL)
    me = os.geteuid()
    monkeypatch.setattr(_kept.os, "geteuid", lambda: me + 1)
    assert keys(site.path) == ["tools.hammer"]


def test_nothing_is_written_into_a_folder_of_another_user(cache_folder, site, keys, monkeypatch):
    cache_folder.mkdir(parents=True)
    me = os.geteuid()
    monkeypatch.setattr(_kept.os, "geteuid", lambda: me + 1)
    keys(site.path)
    assert list(cache_folder.iterdir()) == []


def test_a_pipe_does_not_hang_it(kept, site, keys):
    kept.unlink()
    os.mkfifo(kept, 0o600)
    assert keys(site.path) == ["tools.hammer"]


def test_an_endless_file_is_not_read(kept, site, keys):
    with kept.open("r+b") as file:
        file.truncate(1 << 40)
    assert keys(site.path) == ["tools.hammer"]


def test_a_cache_folder_that_cannot_be_made_is_done_without(site, keys, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("HEADRACE_CACHE_DIR", str(tmp_path / "file"))
    site.tool("acme")
    assert keys(site.path) == ["tools.hammer"]


def test_a_full_disk_leaves_no_draft(site, keys, cache_folder, monkeypatch):
    def replace(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_kept.os, "replace", replace)
    keys(site.path)
    assert list(cache_folder.iterdir()) == []


def test_without_a_home_it_is_done_without(site, keys, tmp_path, monkeypatch):
    monkeypatch.delenv("HEADRACE_CACHE_DIR")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "not/absolute")
    monkeypatch.chdir(tmp_path)
    keys(site.path)
    assert not (tmp_path / "not").exists()


@pytest.mark.parametrize(
    ("variables", "folder"),
    [
        ({"HEADRACE_CACHE_DIR": "here"}, "here/plugins"),
        ({"XDG_CACHE_HOME": "{}/xdg", "HOME": "{}/home"}, "xdg/headrace/plugins"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "{}/home"}, "home/.cache/headrace/plugins"),
        ({"HEADRACE_CACHE_DIR": "", "HOME": "{}/home"}, "home/.cache/headrace/plugins"),
    ],
    ids=["own", "xdg", "relative-xdg", "empty"],
)
def test_the_folder_is_told_by_the_environment(keys, tmp_path, monkeypatch, variables, folder):
    for name in ("HEADRACE_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    monkeypatch.chdir(tmp_path)
    keys([])
    assert (tmp_path / folder).is_dir()


def test_files_do_not_grow_in_number(tmp_path, keys, cache_folder):
    for number in range(_kept._MOST_FILES + 5):
        folder = tmp_path / f"site{number}"
        folder.mkdir()
        keys([str(folder)])
    assert len(list(cache_folder.iterdir())) == _kept._MOST_FILES
