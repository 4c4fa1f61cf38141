"""Hooks: each plugin is registered by itself, after it was loaded."""

from __future__ import annotations

import types

import pytest

from headrace.plugins import Kind, Plugin, add_hooks, hookimpl, hooks, normalise


def plugin(name):
    return Plugin(Kind.HOOKS, name, normalise(f"acme-{name}"), "1.0", "a:b", "/nowhere")


class Listener:
    def __init__(self):
        self.seen = []

    @hookimpl
    def headrace_record(self, record):
        self.seen.append(record)


class Explodes:
    def __init__(self):
        raise SystemExit(2)


class WrongArguments:
    @hookimpl
    def headrace_cli_commands(self):
        raise AssertionError("a refused plugin was called")

    @hookimpl
    def headrace_record(self, no_such_argument):
        pass


class Unmarked:
    def headrace_record(self, record):
        pass


class UnknownHook:
    @hookimpl
    def headrace_no_such_hook(self):
        pass

    @hookimpl
    def headrace_record(self, record):
        raise AssertionError("a refused plugin was called")


class HookOfALaterHeadrace:
    @hookimpl(optionalhook=True)
    def headrace_no_such_hook(self):
        pass


@pytest.fixture
def manager():
    return hooks()


def test_a_registered_plugin_answers(manager):
    listener = Listener()
    add_hooks(manager, [(plugin("one"), listener)])
    manager.hook.headrace_record(record={"a": 1})
    assert listener.seen == [{"a": 1}]


def test_a_module_is_a_plugin(manager):
    module = types.ModuleType("commands")
    module.headrace_cli_commands = hookimpl(lambda: ["command"])
    module.headrace_cli_commands.__name__ = "headrace_cli_commands"
    add_hooks(manager, [(plugin("one"), module)])
    assert manager.hook.headrace_cli_commands() == [["command"]]


def test_a_class_is_called_and_its_instance_answers(manager):
    add_hooks(manager, [(plugin("one"), Listener)])
    assert isinstance(manager.get_plugin("acme-one:one"), Listener)


def test_prompts_are_shaped_by_no_hook(manager):
    class Shout:
        @hookimpl
        def headrace_prompt(self, messages):
            messages[:] = [one.upper() for one in messages]

    (fault,) = add_hooks(manager, [(plugin("one"), Shout)])
    assert "headrace has no hook headrace_prompt" in str(fault)


@pytest.mark.parametrize("broken", [Explodes, WrongArguments, UnknownHook, Unmarked])
class TestABrokenPlugin:
    def test_is_told(self, manager, broken):
        (fault,) = add_hooks(manager, [(plugin("bad"), broken)])
        assert fault.distribution == "acme-bad"

    def test_leaves_no_hook_behind(self, manager, broken):
        add_hooks(manager, [(plugin("bad"), broken)])
        callers = [manager.hook.headrace_record, manager.hook.headrace_cli_commands]
        assert [caller.get_hookimpls() for caller in callers] == [[], []]

    def test_does_not_keep_the_next_one_out(self, manager, broken):
        listener = Listener()
        add_hooks(manager, [(plugin("bad"), broken), (plugin("good"), listener)])
        manager.hook.headrace_record(record=1)
        assert listener.seen == [1]


def test_a_hook_marked_optional_may_be_of_a_later_headrace(manager):
    assert add_hooks(manager, [(plugin("one"), HookOfALaterHeadrace)]) == ()


def test_nothing_at_all_is_told(manager):
    assert len(add_hooks(manager, [(plugin("one"), None)])) == 1


def test_one_plugin_twice_is_told(manager):
    (fault,) = add_hooks(manager, [(plugin("one"), Listener), (plugin("one"), Listener)])
    assert "already" in str(fault)


def test_one_object_under_two_names_is_told(manager):
    listener = Listener()
    (fault,) = add_hooks(manager, [(plugin("one"), listener), (plugin("two"), listener)])
    assert "already" in str(fault)


def test_each_manager_is_of_its_own(manager):
    add_hooks(manager, [(plugin("one"), Listener)])
    assert hooks().get_plugins() == set()
