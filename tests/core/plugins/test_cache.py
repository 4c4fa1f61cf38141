"""A kept answer is used, and never when anything changed."""

from __future__ import annotations

import json
import os
import shutil
import time
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headrace.plugins import _cache, _reading, discover


@pytest.fixture
def unread(monkeypatch):
    """From the call on, fail whatever reads metadata."""

    def forbid():
        def read(listing):
            raise AssertionError("metadata was read")

        monkeypatch.setattr(_reading, "read_plugins", read)

    return forbid


def change(file, text):
    """Write until the file's stamp differs: a file system's clock ticks in milliseconds."""
    before = file.stat()
    while True:
        file.write_text(text)
        after = file.stat()
        if (after.st_mtime_ns, after.st_size) != (before.st_mtime_ns, before.st_size):
            return


@pytest.mark.usefixtures("aged")
class TestAKeptAnswer:
    def test_is_used(self, site, keys, unread):
        site.tool("acme")
        keys(site.path)
        unread()
        assert keys(site.path) == ["tools.hammer"]

    def test_is_the_same_as_a_fresh_one(self, site):
        site.tool("acme", editable=True, requires=("headrace-core>=0.1",))
        site.install("broken", points="[headrace.tools\n")
        fresh, kept = (discover(path=site.path, core_version="0") for _ in range(2))
        assert (kept.list(), kept.broken) == (fresh.list(), fresh.broken)

    def test_is_not_used_when_none_is_wanted(self, site, keys, unread):
        site.tool("acme")
        keys(site.path)
        unread()
        with pytest.raises(AssertionError, match="metadata was read"):
            keys(site.path, cache=False)

    def test_is_not_kept_when_none_is_wanted(self, site, keys, cache_folder):
        site.tool("acme")
        keys(site.path, cache=False)
        assert not cache_folder.exists()

    def test_knows_nothing_of_the_lists(self, site):
        site.tool("acme")
        discover(path=site.path, block="*")
        assert discover(path=site.path).list()[0].state == "ready"

    def test_holds_no_plugin_of_others(self, site, keys, cache_folder):
        site.install("other", points={"console_scripts": {"secret-command": "a:b"}})
        keys(site.path)
        assert "secret-command" not in next(cache_folder.iterdir()).read_text()


@pytest.mark.usefixtures("aged")
class TestAChangeIsSeen:
    def test_of_an_installation(self, site, keys):
        keys(site.path)
        site.tool("acme")
        assert keys(site.path) == ["tools.hammer"]

    def test_of_a_removal(self, site, keys):
        info = site.tool("acme")
        keys(site.path)
        site.remove(info)
        assert keys(site.path) == []

    def test_of_an_upgrade(self, site, keys):
        info = site.tool("acme")
        keys(site.path)
        site.remove(info)
        site.tool("acme", version="2.0")
        assert discover(path=site.path).get("tools", "hammer").version == "2.0"

    def test_of_entry_points_that_are_edited(self, site, keys):
        info = site.tool("acme")
        keys(site.path)
        change(info / "entry_points.txt", "[headrace.tools]\nscrews = a:b\n")
        assert keys(site.path) == ["tools.screws"]

    def test_of_entry_points_that_keep_their_size_and_time(self, site, keys):
        file = site.tool("acme") / "entry_points.txt"
        keys(site.path)
        before = file.stat()
        while file.stat().st_ctime_ns == before.st_ctime_ns:
            file.write_text(file.read_text().replace("hammer", "wrench"))
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert keys(site.path) == ["tools.wrench"]

    def test_of_entry_points_that_are_added(self, site, keys):
        info = site.install("acme")
        keys(site.path)
        (info / "entry_points.txt").write_text("[headrace.tools]\nscrews = a:b\n")
        assert keys(site.path) == ["tools.screws"]

    def test_of_a_folder_put_in_place_of_itself(self, site, keys, tmp_path):
        info = site.tool("acme")
        keys(site.path)
        shutil.copytree(info, tmp_path / "new")
        (tmp_path / "new" / "entry_points.txt").write_text("[headrace.tools]\nwrench = a:b\n")
        above = site.folder.stat()
        shutil.rmtree(info)
        (tmp_path / "new").rename(info)
        os.utime(site.folder, ns=(above.st_atime_ns, above.st_mtime_ns))
        assert keys(site.path) == ["tools.wrench"]

    def test_of_metadata_that_is_edited(self, site, keys):
        info = site.tool("acme")
        keys(site.path)
        change(info / "METADATA", "Name: acme\nVersion: 1.0.0.post1\n\n")
        assert discover(path=site.path).get("tools", "hammer").version == "1.0.0.post1"

    def test_of_an_installation_that_becomes_editable(self, site, keys):
        info = site.tool("acme")
        keys(site.path)
        (info / "direct_url.json").write_text('{"dir_info": {"editable": true}}')
        assert discover(path=site.path).get("tools", "hammer").editable

    def test_of_a_zip_that_is_written_anew(self, tmp_path, keys):
        archive = tmp_path / "plugins.zip"
        for name in ("hammer", "screwdriver"):
            with zipfile.ZipFile(archive, "w") as written:
                written.writestr("a-1.dist-info/METADATA", "Name: a\nVersion: 1\n\n")
                written.writestr("a-1.dist-info/entry_points.txt", f"[headrace.tools]\n{name}=a:b")
            assert keys([str(archive)]) == [f"tools.{name}"]

    def test_of_a_folder_that_is_put_on_the_path(self, site, other_site, keys):
        site.tool("acme")
        other_site.tool("bolt", "screws")
        keys(site.path)
        assert keys(site.path + other_site.path) == ["tools.hammer", "tools.screws"]

    def test_of_the_paths_order(self, site, other_site):
        site.tool("acme", version="1.0")
        other_site.tool("acme", version="2.0")
        discover(path=site.path + other_site.path)
        found = discover(path=other_site.path + site.path)
        assert found.get("tools", "hammer").version == "2.0"

    def test_of_the_one_that_hides_another(self, site, other_site, keys):
        hiding = site.install("acme")
        other_site.tool("acme", version="2.0")
        keys(site.path + other_site.path)
        (hiding / "METADATA").unlink()
        assert keys(site.path + other_site.path) == ["tools.hammer"]

    def test_of_a_folder_that_comes_to_be(self, tmp_path, site, keys):
        late = str(tmp_path / "late")
        keys([late])
        site.tool("acme")
        site.folder.rename(late)
        assert keys([late]) == ["tools.hammer"]


class TestWhatIsTooYoung:
    """A file changed twice in one tick of the clock keeps its stamp: no answer is kept of it."""

    def test_is_not_kept(self, site, keys, cache_folder):
        site.tool("acme")
        keys(site.path)
        assert not cache_folder.exists()

    def test_is_not_kept_for_young_metadata_either(self, site, keys, cache_folder, monkeypatch):
        info = site.tool("acme")
        old = (info / "entry_points.txt").stat().st_ctime_ns
        while (info / "METADATA").stat().st_ctime_ns <= old:
            (info / "METADATA").touch()
        monkeypatch.setattr(_cache, "_clock", lambda: old + _cache._RACY)
        keys(site.path)
        assert not cache_folder.exists()

    def test_is_not_taken(self, site, keys, monkeypatch, unread):
        site.tool("acme")
        with monkeypatch.context() as later:
            later.setattr(_cache, "_clock", lambda: time.time_ns() + 10_000_000_000)
            keys(site.path)
        unread()
        with pytest.raises(AssertionError, match="metadata was read"):
            keys(site.path)

    def test_is_not_taken_for_others_young_entry_points_either(
        self, site, keys, monkeypatch, unread
    ):
        site.install("other", points={"console_scripts": {"a": "b:c"}})
        with monkeypatch.context() as later:
            later.setattr(_cache, "_clock", lambda: time.time_ns() + 10_000_000_000)
            keys(site.path)
        unread()
        with pytest.raises(AssertionError, match="metadata was read"):
            keys(site.path)

    def test_is_what_a_clock_put_back_makes_of_all(self, site, keys, cache_folder, monkeypatch):
        site.tool("acme")
        monkeypatch.setattr(_cache, "_clock", lambda: 0)
        keys(site.path)
        assert not cache_folder.exists()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["install", "remove", "points", "metadata", "editable", "replace", "ask"]),
        st.integers(0, 3),
    ),
    max_size=25,
)


@pytest.mark.usefixtures("aged")
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_whatever_was_done_a_cached_answer_is_the_fresh_one(site, steps):
    shutil.rmtree(site.folder)
    site.folder.mkdir()
    present: dict[int, object] = {}
    for step, (action, which) in enumerate(steps):
        info = present.get(which)
        # Each text is longer than the last: within one tick of the clock, only the size differs.
        padding = "#" * (step + 1)
        if action == "install" and info is None:
            points = f"[headrace.tools]\nname{step} = a:b\n{padding}"
            present[which] = site.install(f"acme{which}", f"{step}.0", points)
        elif info is not None and action == "remove":
            site.remove(present.pop(which))
        elif info is not None and action == "points":
            (info / "entry_points.txt").write_text(f"[headrace.tools]\nx{step} = a:b\n{padding}")
        elif info is not None and action == "metadata":
            text = f"Name: acme{which}\nVersion: {step}.1\n\n{padding}"
            (info / "METADATA").write_text(text)
        elif info is not None and action == "editable":
            document = {"dir_info": {"editable": step % 2 == 0}, "padding": padding}
            (info / "direct_url.json").write_text(json.dumps(document))
        elif info is not None and action == "replace":
            site.remove(info)
            version = info.name.removesuffix(".dist-info").partition("-")[2]
            site.install(f"acme{which}", version, f"[headrace.tools]\nnew{step} = a:b\n{padding}")
        cached = discover(path=site.path)
        assert cached.list() == discover(path=site.path, cache=False).list()
