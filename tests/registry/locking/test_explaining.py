"""A conflict in the project's words: who asks for what, through whom, and what settles it."""

from __future__ import annotations

import pytest

from headrace_registry.catalogue import ReleaseSkill
from headrace_registry.errors import ConflictError
from headrace_registry.locking import resolve
from headrace_registry.settings import Target
from headrace_registry.wheels import Provided


def conflict(bench, *requirements, **more):
    with pytest.raises(ConflictError) as raised:
        resolve(bench.wanted(*requirements, **more))
    return raised.value


def brings(bench, name, *provided):
    """Notes in the catalogue what a package brings."""
    from dataclasses import replace

    for (package, version), release in list(bench.main.releases.items()):
        if package == name:
            skills = tuple(
                ReleaseSkill(one.name, "", "", "sha256:0", 1, 1)
                for one in provided
                if one.kind == "skills"
            )
            bench.main.releases[package, version] = replace(
                release, provides=provided, skills=skills
            )


@pytest.fixture
def clash(bench):
    """Two packages that ask for different versions of a third, one of them through a fourth."""
    bench.main.add("skill-a", "1.0", ("middle",))
    bench.main.add("skill-a", "0.9", ())
    brings(bench, "skill-a", Provided("skills", "a", "a/SKILL.md"))
    bench.main.add("plugin-b", "2.0", ("base>=2",))
    brings(bench, "plugin-b", Provided("tools", "b", "b:B"))
    bench.index.add("middle", "1.5", ("base<2",))
    bench.index.add("base", "1.0")
    bench.index.add("base", "2.0")
    bench.index.add("innocent", "1.0")
    return bench


class TestWhoAsksForWhat:
    def test_the_requirements_that_conflict_are_found_among_all(self, clash):
        error = conflict(clash, "innocent", "skill-a>=1", "plugin-b")
        assert sorted(str(one) for one in error.requirements) == ["plugin-b", "skill-a>=1"]
        assert str(error).startswith("skill-a>=1 and plugin-b do not go together\n")

    def test_each_side_is_told_with_the_chain_to_it(self, clash):
        text = str(conflict(clash, "skill-a>=1", "plugin-b"))
        assert "base is asked for by" in text
        assert "middle 1.5, through skill-a: <2" in text or "middle, through skill-a: <2" in text
        assert "plugin-b: >=2" in text or "plugin-b 2.0: >=2" in text

    def test_the_projects_own_wish_is_told_as_that(self, clash):
        text = str(conflict(clash, "skill-a>=1", "base>=2"))
        assert "the project: >=2" in text

    def test_uvs_own_text_stands_below(self, clash):
        text = str(conflict(clash, "skill-a>=1", "plugin-b"))
        why, _, below = text.partition("  uv:    ")
        assert "why:" in why
        assert "No solution found" in below

    def test_uvs_advice_to_look_everywhere_is_not_passed_on(self, clash):
        clash.main.add("only", "1.0")
        text = str(conflict(clash, "only>=2"))
        assert "unsafe-best-match" not in text


class TestWaysOut:
    def test_another_version_that_was_tried_is_named_with_the_command(self, clash):
        error = conflict(clash, "skill-a>=1", "plugin-b")
        assert "it works with skill-a 0.9: agents skills add 'skill-a==0.9'" in str(error)

    def test_leaving_one_out_is_named_with_the_command(self, clash):
        text = str(conflict(clash, "skill-a>=1", "plugin-b"))
        assert "it works without skill-a: agents skills remove skill-a" in text
        assert "it works without plugin-b: agents plugins remove plugin-b" in text

    def test_what_no_registry_has_is_changed_in_the_file(self, clash):
        text = str(conflict(clash, "skill-a>=1", "base>=2"))
        assert 'it works with base 1.0: write "base==1.0" into [project] dependencies' in text

    def test_only_what_works_is_named(self, clash):
        clash.index.add("innocent", "2.0", ("base<1",))  # a second conflict, of its own
        error = conflict(clash, "skill-a>=1", "plugin-b", "innocent>=2")
        assert error.ways == ()
        assert "no single change that was tried settles it" in str(error)


class TestWhatCannotBeHad:
    def test_a_name_that_exists_nowhere_is_likened_to_those_that_do(self, clash):
        text = str(conflict(clash, "skil-a"))
        assert "there is no package skil-a: no registry has it, and not the package index" in text
        assert "did you mean skill-a?" in text

    def test_a_skills_name_leads_to_its_package(self, clash):
        clash.main.add("skill-log-triage", "1.0")
        brings(clash, "skill-log-triage", Provided("skills", "log-triage", "x/SKILL.md"))
        assert "did you mean skill-log-triage?" in str(conflict(clash, "log-triag"))

    def test_a_version_that_does_not_exist(self, clash):
        assert "there is no version base >=3" in str(conflict(clash, "base>=3"))
        assert "main has no skill-a >=3: it has 1.0, 0.9" in str(conflict(clash, "skill-a>=3"))

    def test_a_package_without_a_wheel_for_a_target(self, bench):
        bench.index.add("lib", "1.0", tag="cp311-cp311-manylinux_2_17_x86_64")
        targets = (Target("3.11", "linux/amd64"), Target("3.11", "linux/arm64"))
        text = str(conflict(bench, "lib", targets=targets))
        assert "lib 1.0 has no wheel for Python 3.11 on linux/arm64" in text

    def test_a_package_for_another_python(self, bench):
        bench.main.add("skill-a", "1.0", requires_python=">=3.12")
        text = str(conflict(bench, "skill-a"))
        assert "skill-a" in text
        assert ">=3.12" in text

    def test_packages_that_are_source_only_with_the_line_to_add_for_all_of_them(
        self, bench, sdist, tmp_path
    ):
        ran = tmp_path / "ran"
        for version in ("1.0", "1.1", "2.0"):
            sdist("old", version, f"open({str(ran)!r}, 'w').close()")
        sdist("older", "0.5", f"open({str(ran)!r}, 'w').close()")
        bench.main.add("skill-a", "1.0", ("old<2", "skill-b"))
        bench.main.add("skill-b", "1.0", ("older",))
        text = str(conflict(bench, "skill-a"))
        assert "(needed by skill-a) exists as source only" in text
        assert 'build = ["old==1.1", "older==0.5"]' in text
        assert not ran.exists()

    def test_a_plugin_for_another_core(self, bench):
        bench.main.add("headrace-core", "0.1.0")
        bench.main.add("headrace", "0.1.0", ("headrace-core==0.1.0",))
        bench.main.add("plugin-new", "3.0", ("headrace-core>=9",))
        brings(bench, "plugin-new", Provided("tools", "b", "b:B"))
        text = str(conflict(bench, "headrace", "plugin-new"))
        assert "headrace-core" in text
        assert "agents plugins remove plugin-new" in text


def test_nothing_of_a_strangers_text_reaches_the_terminal_unfiltered(bench):
    bench.main.reserved["gone"] = "\x1b[2Jgone"
    text = str(conflict(bench, "gone"))
    assert "\x1b" not in text
    assert "?[2Jgone" in text


def test_without_uvs_derivation_tree_what_conflicts_is_still_found(clash, monkeypatch):
    """The tree is internal to uv, and may be gone one day."""
    monkeypatch.setattr("headrace_registry.locking.uv._TREE", "NO_SUCH_VARIABLE")
    error = conflict(clash, "innocent", "skill-a>=1", "plugin-b")
    assert sorted(one.name for one in error.requirements) == ["plugin-b", "skill-a"]
    assert "it works with skill-a 0.9" in str(error)
    assert "No solution found" in str(error)
