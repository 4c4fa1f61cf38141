"""What `resolve` chooses, and that it moves no more than it must."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headrace_registry.errors import ConflictError, LockError, SettingsError
from headrace_registry.locking import check, compare, read_lock, resolve
from headrace_registry.locking.install_plan import steps_of
from headrace_registry.settings import Target

LINUX = Target("3.11", "linux/amd64")


def versions(lock):
    return {one.name: one.version for one in lock.packages}


def changes(before, after):
    return {one.name: (one.kind, one.before, one.after) for one in compare(before, after)}


def written(lock, folder):
    """A lock as it is read again."""
    path = folder / "pylock.toml"
    path.write_text(lock.as_toml())
    return read_lock(path)


@pytest.fixture
def four(bench):
    """A skill of the registry that leads to two packages of the index, the newest of each."""
    bench.main.add("skill-a", "1.0", ("skill-b>=1", "lib>=1"))
    bench.main.add("skill-b", "1.0")
    bench.index.add("lib", "1.0", ("base>=1",))
    bench.index.add("base", "1.0")
    return bench


@pytest.fixture
def flinks(bench):
    """An index with two lines of Flink."""
    bench.index.add("lib", "1.0", ("apache-flink",))
    bench.index.add("apache-flink", "1.20.5")
    bench.index.add("apache-flink", "2.3.0")
    return bench


class TestWhatIsChosen:
    def test_registry_and_index_are_resolved_as_one(self, four):
        lock = resolve(four.wanted("skill-a"))
        assert versions(lock) == {"base": "1.0", "lib": "1.0", "skill-a": "1.0", "skill-b": "1.0"}
        origins = {one.name: one.origin for one in lock.packages}
        assert origins == {"base": "index", "lib": "index", "skill-a": "main", "skill-b": "main"}

    def test_the_registry_is_asked_for_nothing(self, four):
        resolve(four.wanted("skill-a"))
        assert four.main.asked == []

    def test_hash_size_and_address_of_a_registrys_wheel_are_the_catalogues(self, four):
        wheel = four.main.add("skill-a", "2.0")
        (locked,) = resolve(four.wanted("skill-a")).package("skill-a").wheels
        assert locked.size == wheel.stat().st_size
        assert locked.url == f"{four.main.url}/files/skill-a/{wheel.name}"

    def test_dependencies_are_recorded(self, four):
        lock = resolve(four.wanted("skill-a"))
        assert lock.package("skill-a").dependencies == ("lib", "skill-b")
        assert lock.package("lib").dependencies == ("base",)

    def test_extras_of_a_registrys_package_are_followed(self, bench):
        bench.main.add("tool", "1.0", ("lib>=1; extra == 'more'",), extras=("more",))
        bench.index.add("lib", "1.0")
        assert versions(resolve(bench.wanted("tool"))) == {"tool": "1.0"}
        assert versions(resolve(bench.wanted("tool[more]"))) == {"tool": "1.0", "lib": "1.0"}

    def test_a_release_for_another_python_is_passed_over(self, bench):
        bench.main.add("skill-a", "1.0", requires_python=">=3.10")
        bench.main.add("skill-a", "2.0", requires_python=">=3.12")
        assert versions(resolve(bench.wanted("skill-a"))) == {"skill-a": "1.0"}

    def test_a_yanked_release_is_not_chosen(self, bench):
        bench.main.add("skill-a", "1.0")
        bench.main.add("skill-a", "2.0", yanked="broken")
        assert versions(resolve(bench.wanted("skill-a"))) == {"skill-a": "1.0"}

    def test_a_yanked_release_is_had_by_its_exact_version(self, bench):
        bench.main.add("skill-a", "1.0")
        bench.main.add("skill-a", "2.0", yanked="broken")
        assert versions(resolve(bench.wanted("skill-a==2.0"))) == {"skill-a": "2.0"}

    def test_a_locked_release_that_was_yanked_since_stays(self, bench):
        bench.main.add("skill-a", "1.0")
        bench.main.add("skill-a", "2.0")
        before = resolve(bench.wanted("skill-a"))
        bench.main.add("skill-a", "2.0", yanked="broken")
        after = resolve(bench.wanted("skill-a"), before=before)
        assert versions(after) == {"skill-a": "2.0"}

    def test_a_requirement_by_address_is_refused(self, bench):
        with pytest.raises(LockError, match=r"agents skills add https://example.org/x.whl"):
            resolve(bench.wanted("x @ https://example.org/x.whl"))

    def test_a_password_for_the_index_is_used_and_not_written(self, four):
        secret = four.index.simple.replace("http://", "http://user:secret@")
        lock = resolve(replace(four.wanted("skill-a"), index=secret))
        assert lock.package("lib").index == four.index.simple
        assert "secret" not in lock.as_toml()

    def test_two_runs_give_the_same_bytes(self, four):
        first = resolve(four.wanted("skill-a")).as_toml()
        assert resolve(four.wanted("skill-a")).as_toml() == first

    def test_the_order_of_requirements_is_the_same_to_it(self, four):
        first = resolve(four.wanted("skill-a", "base")).as_toml()
        assert resolve(four.wanted("base", "skill-a")).as_toml() == first


class TestTargets:
    def test_only_wheels_that_some_target_can_use_are_locked(self, bench):
        for tag in (
            "cp311-cp311-manylinux_2_17_x86_64",
            "cp311-cp311-manylinux_2_17_aarch64",
            "cp312-cp312-manylinux_2_17_x86_64",
            "cp311-cp311-win_amd64",
            "cp311-cp311-musllinux_1_2_x86_64",
        ):
            bench.index.add("lib", "1.0", tag=tag)
        (wheel,) = resolve(bench.wanted("lib")).package("lib").wheels
        assert wheel.filename == "lib-1.0-cp311-cp311-manylinux_2_17_x86_64.whl"

    def test_each_target_gets_its_wheels(self, bench):
        targets = (LINUX, Target("3.12", "linux/arm64"), Target("3.10", "macos/arm64"))
        tags = (
            "cp310-cp310-macosx_11_0_arm64",
            "cp311-cp311-manylinux_2_28_x86_64",
            "cp312-cp312-manylinux_2_17_aarch64",
        )
        for tag in tags:
            bench.index.add("lib", "1.0", tag=tag)
        locked = resolve(bench.wanted("lib", targets=targets)).package("lib").wheels
        assert [one.filename for one in locked] == [f"lib-1.0-{tag}.whl" for tag in tags]

    def test_each_target_has_a_version_with_a_wheel_for_it(self, bench):
        bench.index.add("lib", "1.0")
        bench.index.add("lib", "2.0", tag="cp311-cp311-manylinux_2_17_x86_64")
        targets = (LINUX, Target("3.11", "linux/arm64"))
        first, second = resolve(bench.wanted("lib", targets=targets)).packages
        assert (first.version, second.version) == ("1.0", "2.0")
        assert ("aarch64" in first.marker, "x86_64" in second.marker) == (True, True)

    def test_a_wheel_that_needs_a_later_c_library_is_passed_over(self, bench):
        bench.index.add("lib", "1.0", tag="cp311-cp311-manylinux_2_28_x86_64")
        bench.index.add("lib", "2.0", tag="cp311-cp311-manylinux_2_35_x86_64")
        assert versions(resolve(bench.wanted("lib"))) == {"lib": "1.0"}

    def test_no_version_with_a_usable_wheel_is_a_conflict_that_says_so(self, bench):
        bench.index.add("lib", "2.0", tag="cp311-cp311-manylinux_2_35_x86_64")
        with pytest.raises(ConflictError, match=r"lib 2.0 has no wheel for Python 3.11 on linux"):
            resolve(bench.wanted("lib"))

    def test_what_is_for_one_target_only_has_a_marker(self, bench):
        bench.main.add("skill-a", "1.0", ("old; python_version < '3.11'", "lib"))
        bench.index.add("old", "1.0")
        bench.index.add("lib", "1.0")
        targets = (LINUX, Target("3.10", "linux/amd64"))
        lock = resolve(bench.wanted("skill-a", targets=targets))
        assert lock.package("lib").marker is None
        assert "3.11" in lock.package("old").marker

    def test_a_project_may_begin_at_a_patch_of_a_targets_python(self, bench):
        bench.main.add("skill-a", "1.0", requires_python=">=3.10")
        bench.main.add("skill-a", "2.0", requires_python=">=3.11.4")
        assert versions(resolve(bench.wanted("skill-a"))) == {"skill-a": "1.0"}
        wanted = bench.wanted("skill-a", requires_python=">=3.11.4,<3.13")
        assert versions(resolve(wanted)) == {"skill-a": "2.0"}

    def test_the_line_of_flink_is_the_targets(self, flinks):
        target = Target("3.11", "linux/amd64", "1.20")
        lock = resolve(flinks.wanted("lib", targets=(target,)))
        assert versions(lock) == {"lib": "1.0", "apache-flink": "1.20.5"}
        assert check(lock, flinks.wanted("lib", targets=(target,))) == []

    def test_two_targets_may_have_two_lines(self, flinks, tmp_path):
        targets = (Target("3.10", "linux/amd64", "1.20"), Target("3.11", "linux/amd64", "2.3"))
        wanted = flinks.wanted("lib", targets=targets)
        lock = resolve(wanted)
        assert [
            [one.package.version for one in steps_of(lock, target) if one.package.name != "lib"]
            for target in targets
        ] == [["1.20.5"], ["2.3.0"]]
        assert check(lock, wanted) == []
        assert [one.flink for one in written(lock, tmp_path).targets] == ["1.20", "2.3"]

    def test_a_lock_for_another_line_is_stale(self, flinks):
        lock = resolve(flinks.wanted("lib", targets=(Target("3.11", "linux/amd64", "1.20"),)))
        (said,) = check(lock, flinks.wanted("lib", targets=(Target("3.11", "linux/amd64", "2.3"),)))
        assert said.startswith("apache-flink==2.3.*")
        assert said.endswith("is required, and 1.20.5 is locked")

    def test_a_line_that_does_not_go_with_the_requirements_is_named(self, flinks):
        targets = (Target("3.11", "linux/amd64", "1.20"),)
        with pytest.raises(ConflictError, match=r"apache-flink==1\.20\.\*"):
            resolve(flinks.wanted("apache-flink>=2", targets=targets))

    def test_a_target_that_the_project_is_not_for_is_refused(self, bench):
        with pytest.raises(SettingsError, match=r"Python 3.11 on linux/amd64 is outside"):
            resolve(bench.wanted("lib", requires_python=">=3.12"))


class TestLeastMovement:
    def test_what_is_locked_stays_when_newer_ones_come(self, four):
        before = resolve(four.wanted("skill-a"))
        four.main.add("skill-b", "2.0")
        four.index.add("base", "2.0")
        assert versions(resolve(four.wanted("skill-a"), before=before)) == versions(before)

    def test_a_new_requirement_moves_nothing_that_it_does_not_touch(self, four):
        before = resolve(four.wanted("skill-a"))
        four.index.add("base", "2.0")
        four.index.add("new", "1.0")
        after = resolve(four.wanted("skill-a", "new"), before=before)
        assert changes(before, after) == {"new": ("added", None, "1.0")}

    def test_only_what_is_named_moves_in_an_upgrade(self, four):
        before = resolve(four.wanted("skill-a"))
        four.main.add("skill-b", "2.0")
        four.index.add("base", "2.0")
        after = resolve(four.wanted("skill-a"), before=before, upgrade=("skill-b",))
        assert changes(before, after) == {"skill-b": ("up", "1.0", "2.0")}

    def test_everything_moves_in_a_full_upgrade(self, four):
        before = resolve(four.wanted("skill-a"))
        four.main.add("skill-b", "2.0")
        four.index.add("base", "2.0")
        after = resolve(four.wanted("skill-a"), before=before, upgrade=None)
        assert set(changes(before, after)) == {"skill-b", "base"}

    def test_only_what_stands_in_the_way_moves(self, four):
        before = resolve(four.wanted("skill-a"))
        four.index.add("base", "2.0")
        four.index.add("lib", "2.0", ("base>=1",))
        four.index.add("new", "1.0", ("base>=2",))
        after = resolve(four.wanted("skill-a", "new"), before=before)
        assert changes(before, after) == {
            "base": ("up", "1.0", "2.0"),
            "new": ("added", None, "1.0"),
        }

    def test_up_is_tried_before_down(self, bench):
        bench.index.add("lib", "2.0", ("base==2.0",))
        bench.index.add("base", "2.0")
        before = resolve(bench.wanted("lib"))
        for version in ("1.0", "3.0"):
            bench.index.add("lib", version, (f"base=={version}",))
            bench.index.add("base", version)
        after = resolve(bench.wanted("lib", "base!=2.0"), before=before)
        assert {kind for kind, _, _ in changes(before, after).values()} == {"up"}

    def test_down_is_the_last_resort_and_told_as_such(self, bench):
        bench.index.add("base", "1.0")
        bench.index.add("base", "2.0")
        before = resolve(bench.wanted("base"))
        bench.index.add("new", "1.0", ("base<2",))
        after = resolve(bench.wanted("base", "new"), before=before)
        assert changes(before, after)["base"] == ("down", "2.0", "1.0")

    def test_what_is_required_no_more_goes(self, four):
        before = resolve(four.wanted("skill-a", "base"))
        after = resolve(four.wanted("base"), before=before)
        assert set(versions(after)) == {"base"}


class TestOffline:
    def test_the_cache_is_enough(self, four):
        online = resolve(four.wanted("skill-a"))
        asked = len(four.index.asked)
        assert resolve(four.wanted("skill-a"), offline=True) == online
        assert len(four.index.asked) == asked

    def test_what_is_not_cached_is_an_error(self, four):
        with pytest.raises(ConflictError):
            resolve(four.wanted("skill-a"), offline=True)
