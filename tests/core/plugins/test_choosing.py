"""Two of one name, pins, lists, and the core's version: never a silent winner."""

from __future__ import annotations

import pickle

import pytest

from headrace.errors import PluginError
from headrace.plugins import (
    PluginBlockedError,
    PluginConflictError,
    PluginIncompatibleError,
    PluginNotFoundError,
    UnknownKindError,
    discover,
)


def states(found):
    return {one.plugin.distribution: one.state for one in found.list()}


@pytest.fixture
def rivals(site):
    site.tool("acme", version="1.0")
    site.tool("bolt", version="2.0")
    return site.path


class TestTwoOfOneName:
    def test_asking_for_it_names_both_distributions(self, rivals):
        with pytest.raises(PluginConflictError, match=r"acme 1\.0 and bolt 2\.0"):
            discover(path=rivals).get("tools", "hammer")

    def test_asking_for_it_tells_the_pin_to_write(self, rivals):
        with pytest.raises(PluginConflictError, match=r'"tools\.hammer" = "acme"'):
            discover(path=rivals).get("tools", "hammer")

    def test_asking_for_it_tells_how_to_block_one(self, rivals):
        with pytest.raises(PluginConflictError, match="HEADRACE_PLUGINS_BLOCK=bolt"):
            discover(path=rivals).get("tools", "hammer")

    def test_both_are_listed_and_marked(self, rivals):
        assert states(discover(path=rivals)) == {"acme": "conflict", "bolt": "conflict"}

    def test_another_kind_of_the_same_name_is_no_conflict(self, site):
        site.install("acme", points={"headrace.tools": {"x": "a:b"}})
        site.install("bolt", points={"headrace.memory": {"x": "a:b"}})
        assert discover(path=site.path).get("tools", "x").distribution == "acme"

    def test_blocking_one_leaves_the_other(self, rivals):
        assert discover(path=rivals, block=["acme"]).get("tools", "hammer").distribution == "bolt"

    def test_one_that_does_not_fit_the_core_is_still_a_rival(self, site):
        site.tool("acme", requires=("headrace-core>=9",))
        site.tool("bolt")
        with pytest.raises(PluginConflictError):
            discover(path=site.path, core_version="1.0").get("tools", "hammer")


class TestPins:
    def test_a_pin_chooses(self, rivals):
        found = discover(path=rivals, choose={"tools.hammer": "bolt"})
        assert found.get("tools", "hammer").distribution == "bolt"

    def test_a_pin_is_compared_by_its_normalised_name(self, site):
        site.tool("acme-tools")
        site.tool("bolt")
        found = discover(path=site.path, choose={"tools.hammer": "Acme_Tools"})
        assert found.get("tools", "hammer").distribution == "acme-tools"

    def test_what_was_not_chosen_is_listed_so(self, rivals):
        found = discover(path=rivals, choose={"tools.hammer": "bolt"})
        assert states(found) == {"acme": "unchosen", "bolt": "ready"}

    def test_a_name_with_a_dot_can_be_pinned(self, site):
        site.tool("acme", "gpt-4.1")
        site.tool("bolt", "gpt-4.1")
        found = discover(path=site.path, choose={"tools.gpt-4.1": "bolt"})
        assert found.get("tools", "gpt-4.1").distribution == "bolt"

    def test_a_pin_to_what_is_not_there_takes_nobody_else(self, site):
        site.tool("acme")
        with pytest.raises(PluginNotFoundError, match=r"pinned to bolt, but acme 1\.0 provides it"):
            discover(path=site.path, choose={"tools.hammer": "bolt"}).get("tools", "hammer")

    def test_a_pin_to_what_is_blocked_takes_nobody_else(self, rivals):
        found = discover(path=rivals, choose={"tools.hammer": "bolt"}, block="bolt")
        with pytest.raises(PluginBlockedError):
            found.get("tools", "hammer")

    def test_a_pin_of_a_kind_that_there_is_not_is_refused(self, rivals):
        with pytest.raises(UnknownKindError, match="'tools'"):
            discover(path=rivals, choose={"tool.hammer": "bolt"})


class TestLists:
    @pytest.mark.parametrize(
        "pattern", ["acme", "ac*", "Acme", "tools.hammer", "tools.*", "*.hammer"]
    )
    def test_a_pattern_is_of_a_distribution_or_of_a_plugin(self, site, pattern):
        site.tool("acme")
        assert states(discover(path=site.path, block=[pattern])) == {"acme": "blocked"}

    @pytest.mark.parametrize("pattern", ["acm", "tools", "memory.*", "hammer"])
    def test_a_pattern_of_something_else_blocks_nothing(self, site, pattern):
        site.tool("acme")
        assert states(discover(path=site.path, block=[pattern])) == {"acme": "ready"}

    def test_a_pattern_of_plugins_does_not_hit_a_distribution_of_like_name(self, site):
        site.install("tools-acme", points={"headrace.memory": {"x": "a:b"}})
        assert states(discover(path=site.path, block=["tools.*"])) == {"tools-acme": "ready"}

    def test_what_is_not_on_the_allow_list_is_blocked(self, rivals):
        assert states(discover(path=rivals, allow=["bolt"])) == {"acme": "blocked", "bolt": "ready"}

    def test_an_empty_allow_list_allows_nothing(self, site):
        site.tool("acme")
        assert states(discover(path=site.path, allow=[])) == {"acme": "blocked"}

    def test_the_block_list_beats_the_allow_list(self, site):
        site.tool("acme")
        found = discover(path=site.path, allow=["acme"], block=["acme"])
        assert states(found) == {"acme": "blocked"}

    def test_the_environment_blocks(self, site, monkeypatch):
        site.tool("acme")
        monkeypatch.setenv("HEADRACE_PLUGINS_BLOCK", " other , acme ")
        assert states(discover(path=site.path)) == {"acme": "blocked"}

    def test_the_environment_narrows_what_the_project_allows(self, rivals, monkeypatch):
        monkeypatch.setenv("HEADRACE_PLUGINS_ALLOW", "acme")
        assert states(discover(path=rivals, allow=["bolt"])) == {
            "acme": "blocked",
            "bolt": "blocked",
        }

    def test_an_empty_variable_allows_all(self, site, monkeypatch):
        site.tool("acme")
        monkeypatch.setenv("HEADRACE_PLUGINS_ALLOW", "")
        assert states(discover(path=site.path)) == {"acme": "ready"}

    @pytest.mark.parametrize("variable", ["HEADRACE_PLUGINS_ALLOW", "HEADRACE_PLUGINS_BLOCK"])
    def test_asking_for_a_blocked_one_names_the_variable(self, site, monkeypatch, variable):
        site.tool("acme")
        monkeypatch.setenv(variable, "acme" if variable.endswith("BLOCK") else "other")
        with pytest.raises(PluginBlockedError, match=variable):
            discover(path=site.path).get("tools", "hammer")

    def test_asking_for_a_blocked_one_names_the_pattern(self, site):
        site.tool("acme")
        with pytest.raises(PluginBlockedError, match=r"block-list has 'ac\*'"):
            discover(path=site.path, block=["ac*"]).get("tools", "hammer")


class TestCoreVersion:
    @pytest.mark.parametrize(
        ("requirement", "core", "state"),
        [
            ("headrace-core>=0.1,<0.3", "0.2.0", "ready"),
            ("headrace-core>=0.1,<0.3", "0.3.0", "incompatible"),
            ("Headrace_Core (>=1)", "0.3.0", "incompatible"),
            ("headrace-core>=0.1", "0.2.0.dev1", "ready"),
            ("headrace-core", "0.2.0", "ready"),
            ('headrace-core>=9; extra == "flink"', "0.2.0", "ready"),
            ('headrace-core>=9; python_version < "3"', "0.2.0", "ready"),
            ("headrace-core-more>=9", "0.2.0", "ready"),
            ("headrace-core @ file:///src", "0.2.0", "ready"),
        ],
    )
    def test_a_requirement_is_held_against_it(self, site, requirement, core, state):
        site.tool("acme", requires=(requirement,))
        assert states(discover(path=site.path, core_version=core)) == {"acme": state}

    def test_asking_for_one_that_does_not_fit_tells_both_versions(self, site):
        site.tool("acme", requires=("headrace-core>=9",))
        with pytest.raises(PluginIncompatibleError, match=r"needs headrace-core >=9.*core 0\.2"):
            discover(path=site.path, core_version="0.2").get("tools", "hammer")

    def test_several_requirements_must_all_hold(self, site):
        site.tool("acme", requires=("headrace-core>=1", "headrace-core<2"))
        assert states(discover(path=site.path, core_version="2")) == {"acme": "incompatible"}

    def test_the_running_core_is_the_first_on_sys_path(self, site, monkeypatch):
        site.install("headrace-core", "0.7.1")
        monkeypatch.syspath_prepend(str(site.folder))
        assert discover().core_version == "0.7.1"

    @pytest.mark.usefixtures("aged")
    def test_another_core_is_not_answered_from_the_cache_of_the_first(self, site):
        site.tool("acme", requires=("headrace-core>=1",))
        discover(path=site.path, core_version="1.0")
        assert states(discover(path=site.path, core_version="0.9")) == {"acme": "incompatible"}


class TestNotFound:
    def asked(self, site, kind, name, **more):
        with pytest.raises(PluginNotFoundError) as caught:
            discover(path=site.path, **more).get(kind, name)
        return caught.value

    def test_the_nearest_names_are_told(self, site):
        site.tool("acme")
        assert self.asked(site, "tools", "Hamer").nearest == ("hammer",)

    def test_the_installed_names_are_told_where_none_is_near(self, site):
        site.tool("acme")
        assert "installed are: hammer" in str(self.asked(site, "tools", "zzz"))

    def test_names_of_other_kinds_are_not(self, site):
        site.tool("acme")
        assert self.asked(site, "memory", "hammer").nearest == ()

    def test_the_command_that_adds_a_first_party_plugin_is_told(self, site):
        error = self.asked(site, "chat_models", "openai")
        assert str(error).endswith("to add it: pip install headrace-openai")

    def test_a_guessed_distribution_is_told_to_be_one(self, site):
        assert "a guessed name" in str(self.asked(site, "tools", "My Hammer"))

    def test_a_guessed_distribution_has_a_valid_name(self, site):
        error = self.asked(site, "tools", "../My Hammer")
        assert error.command == "pip install headrace-my-hammer"

    def test_a_broken_distribution_is_told_as_a_possible_cause(self, site):
        site.install("acme", points="[headrace.tools\nhammer = a:b")
        assert "acme could not be read" in str(self.asked(site, "tools", "hammer"))


def test_every_refusal_is_pickled_whole(site):
    site.tool("acme", requires=("headrace-core>=9",))
    site.tool("bolt")
    questions = [
        ({}, "hammer"),
        ({"block": "bolt"}, "hammer"),
        ({"block": "*"}, "hammer"),
        ({}, "nail"),
        ({"choose": {"tools.hammer": "c"}}, "hammer"),
    ]
    for more, name in questions:
        with pytest.raises(PluginError) as caught:
            discover(path=site.path, core_version="1", **more).get("tools", name)
        again = pickle.loads(pickle.dumps(caught.value))
        assert (type(again), str(again)) == (type(caught.value), str(caught.value))
