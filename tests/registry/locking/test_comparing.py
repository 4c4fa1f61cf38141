"""What a new lock changes, who needs a package, and whether a lock is still what is wanted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from packaging.requirements import Requirement

from headrace_registry.locking import (
    Lock,
    LockedPackage,
    LockedWheel,
    check,
    compare,
    inputs_digest,
    resolve,
    why,
)
from headrace_registry.settings import Target


def package(name, version="1.0", *dependencies, digest="1", origin="index"):
    wheel = LockedWheel(f"{name}-{version}-py3-none-any.whl", digest * 64, url="https://x/w")
    return LockedPackage(name, version, None, origin, (wheel,), dependencies)


def lock(*packages):
    return Lock(packages, (Target("3.11", "linux/amd64"),), ">=3.11", "sha256:0")


class TestCompare:
    @pytest.mark.parametrize(
        ("before", "after", "kind"),
        [
            ([], [package("a")], "added"),
            ([package("a")], [], "removed"),
            ([package("a", "1.9")], [package("a", "1.10")], "up"),
            ([package("a", "1.10")], [package("a", "1.9")], "down"),
            ([package("a")], [package("a", digest="2")], "same-version-other-bytes"),
            ([package("a")], [package("a", origin="main")], "moved"),
        ],
    )
    def test_of_two_locks(self, before, after, kind):
        (change,) = compare(lock(*before), lock(*after))
        assert change.kind == kind

    def test_the_same_is_no_change(self):
        assert compare(lock(package("a")), lock(package("a"))) == []

    def test_without_a_lock_before_all_is_added(self):
        found = compare(None, lock(package("a"), package("b")))
        assert [(one.name, one.kind) for one in found] == [("a", "added"), ("b", "added")]

    def test_that_one_target_falls_back_is_a_step_down(self):
        (change,) = compare(lock(package("a", "2.0")), lock(package("a", "1.0"), package("a", "3")))
        assert (change.kind, change.after) == ("down", "1.0 and 3")


class TestWhy:
    def test_all_ways_that_lead_to_a_package_the_shortest_first(self):
        locked = lock(
            package("base"),
            package("lib", "1.0", "base"),
            package("middle", "1.0", "lib"),
            package("skill-a", "1.0", "middle", "base"),
        )
        wanted = [Requirement("skill-a"), Requirement("lib>=1")]
        assert why(locked, wanted, "base") == [
            ("lib", "base"),
            ("skill-a", "base"),
            ("skill-a", "middle", "lib", "base"),
        ]

    def test_a_requirement_of_the_project_is_its_own_reason(self):
        assert why(lock(package("a")), [Requirement("A")], "a") == [("a",)]

    def test_a_circle_ends(self):
        locked = lock(package("a", "1.0", "b"), package("b", "1.0", "a"))
        assert why(locked, [Requirement("a")], "b") == [("a", "b")]

    def test_what_is_not_there_has_no_reason(self):
        assert why(lock(package("a")), [Requirement("a")], "b") == []


class TestCheck:
    @pytest.fixture
    def locked(self, bench):
        bench.main.add("skill-a", "1.0", ("lib",))
        bench.index.add("lib", "1.0")
        wanted = bench.wanted("skill-a")
        return bench, wanted, resolve(wanted)

    def test_nothing_is_wrong_with_a_new_one(self, locked):
        _, wanted, found = locked
        assert check(found, wanted) == []

    def test_a_requirement_that_is_not_met(self, locked):
        bench, _, found = locked
        assert check(found, bench.wanted("skill-a>=2")) == [
            "skill-a>=2 is required, and 1.0 is locked"
        ]

    def test_a_requirement_for_no_target_is_met(self, locked):
        bench, _, found = locked
        wanted = bench.wanted("skill-a", "new; sys_platform == 'win32'")
        assert check(found, wanted) == [
            "the project's requirements or settings changed since it was locked"
        ]

    def test_another_target(self, locked):
        bench, _, found = locked
        wanted = bench.wanted("skill-a", targets=(Target("3.12", "linux/amd64"),))
        assert check(found, wanted) == [
            "it is not locked for Python 3.12 on linux/amd64",
            "it is locked for Python 3.11 on linux/amd64, which is no target any more",
        ]

    def test_a_registry_with_another_key(self, locked):
        _, wanted, found = locked
        (one,) = wanted.settings.registries
        settings = replace(wanted.settings, registries=(replace(one, key="sha256:" + "0" * 64),))
        assert check(found, replace(wanted, settings=settings)) == [
            "the registry main has another address or key than when it was locked"
        ]

    def test_a_wheel_that_the_registry_signed_otherwise_since(self, locked):
        bench, _, found = locked
        bench.main.add("skill-a", "1.0", ("lib",), content="# other")
        (text,) = check(found, bench.wanted("skill-a"))
        assert text == ("skill_a-1.0-py3-none-any.whl is locked with another hash than main signed")

    def test_a_binding_to_another_place(self, locked):
        bench, _, found = locked
        (text,) = check(found, bench.wanted("skill-a", bound={"lib": "main"}))
        assert text == "lib is bound to main, and was locked from index"


class TestInputs:
    def test_order_blanks_and_case_are_nothing(self, bench):
        first = inputs_digest(bench.wanted("Lib_A >=1, <2", "b[x,y]"))
        assert inputs_digest(bench.wanted("b[y,x]", "lib-a<2,>=1")) == first

    def test_what_registries_have_is_no_input(self, bench):
        first = inputs_digest(bench.wanted("lib"))
        bench.main.add("skill-a", "1.0")
        assert inputs_digest(bench.wanted("lib")) == first

    @pytest.mark.parametrize(
        "more",
        [
            {"requires_python": ">=3.11"},
            {"targets": (Target("3.12", "linux/amd64"),)},
            {"bound": {"lib": "index"}},
            {"build": ("lib==1.0",)},
            {"index": "https://i.example.org/simple"},
        ],
    )
    def test_each_of_these_is(self, bench, more):
        assert inputs_digest(bench.wanted("lib", **more)) != inputs_digest(bench.wanted("lib"))

    def test_the_bytes_of_the_projects_own_wheels_are(self, bench, wheel):
        wheel(bench.folder / "vendor", "own", "1.0")
        first = inputs_digest(bench.wanted("own"))
        wheel(bench.folder / "vendor", "own", "1.0", content="# other")
        assert inputs_digest(bench.wanted("own")) != first
