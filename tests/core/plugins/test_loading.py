"""A plugin is imported when it is named; what is wrong with it stays with it."""

from __future__ import annotations

import pickle
import sys

import pytest

from headrace.plugins import PluginBrokenError, check, discover, load


@pytest.fixture
def installed(site, monkeypatch, request):
    """Install a module of the test's own, and give the plugin."""
    monkeypatch.syspath_prepend(str(site.folder))
    # A name of its own for each test: modules outlive tests.
    module = f"plugin_{abs(hash(request.node.nodeid))}"

    def install(source, reference="{}:thing"):
        value = reference.format(module)
        site.install("acme", points={"headrace.tools": {"x": value}}, modules={module: source})
        return discover(path=site.path).get("tools", "x")

    yield install
    sys.modules.pop(module, None)


def test_the_attribute_is_given(installed):
    assert load(installed("thing = 'hammer'")) == "hammer"


def test_an_attribute_of_an_attribute_is_given(installed):
    assert load(installed("class A:\n    thing = 'hammer'", "{}:A.thing")) == "hammer"


def test_a_value_without_an_attribute_gives_the_module(installed):
    assert load(installed("thing = 'hammer'", "{}")).thing == "hammer"


def test_extras_after_a_value_mean_nothing(installed):
    assert load(installed("thing = 'hammer'", "{}:thing [extra]")) == "hammer"


BROKEN = {
    "ImportError": "import no_such_module_anywhere",
    "SyntaxError": "def",
    "ZeroDivisionError": "1 / 0",
    "SystemExit": "raise SystemExit(3)",
    "AttributeError": "other = 1",
    "BaseException": "raise BaseException('boo')",
}


@pytest.mark.parametrize("source", BROKEN.values(), ids=BROKEN.keys())
def test_whatever_is_wrong_is_one_kind_of_error(installed, source):
    with pytest.raises(PluginBrokenError):
        load(installed(source))


def test_what_is_wrong_names_the_distribution(installed):
    with pytest.raises(PluginBrokenError) as caught:
        load(installed("1 / 0"))
    assert caught.value.distribution == "acme"


def test_what_is_wrong_keeps_its_cause(installed):
    with pytest.raises(PluginBrokenError) as caught:
        load(installed("1 / 0"))
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_what_is_wrong_is_pickled_with_its_words(installed):
    error = check(installed("1 / 0")).error
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)


def test_the_user_can_still_interrupt(installed):
    with pytest.raises(KeyboardInterrupt):
        load(installed("raise KeyboardInterrupt"))


@pytest.mark.parametrize("value", ["a b:c", "a:", ":a", "a:b:c", "a/b"])
def test_a_malformed_value_breaks_its_plugin_alone(site, value):
    site.install("acme", points={"headrace.tools": {"x": value, "y": "json:dumps"}})
    found = discover(path=site.path)
    assert (check(found.get("tools", "x")).ok, check(found.get("tools", "y")).ok) == (False, True)


def test_a_check_tells_that_a_plugin_loads(installed):
    assert check(installed("thing = 1")).ok


def test_a_check_tells_why_a_plugin_does_not_load(installed):
    assert "ZeroDivisionError: division by zero" in str(check(installed("1 / 0")).error)


def test_a_folder_that_is_not_on_sys_path_is_told(site):
    site.install("acme", points={"headrace.tools": {"x": "nowhere_to_be_found:y"}})
    error = check(discover(path=site.path).get("tools", "x")).error
    assert f"its folder {site.folder} is not on sys.path" in str(error)
