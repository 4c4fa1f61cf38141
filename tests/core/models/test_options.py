"""A provider's options, and a project's own HTTP client: what every plugin that asks one shares."""

from __future__ import annotations

import sys

import pytest

from headrace.chat import ChatRequest, Message
from headrace.errors import ModelError, ResourceError
from headrace.options import asked_model, given_twice, merged_options, option_faults
from headrace.providers import factory_faults, made_by

TYPED = {"messages", "tools"}
FIELDS = {"max_tokens": ("limit", "max_limit"), "stop": ("ends",), "temperature": ("heat",)}


def hello(**more) -> ChatRequest:
    return ChatRequest(messages=(Message(role="user", content="hello"),), **more)


def merged(request: ChatRequest, **options) -> dict:
    return merged_options(request, options, typed=TYPED, fields=FIELDS)


class TestOptions:
    def test_of_a_request_win_over_the_models(self):
        assert merged(hello(options={"seed": 1}), seed=7, top=3) == {"seed": 1, "top": 3}

    def test_of_the_model_give_way_to_what_a_request_says(self):
        request = hello(max_tokens=5, temperature=0, stop=("END",))

        assert merged(request, limit=9, max_limit=9, heat=1, ends=["x"], seed=7) == {"seed": 7}

    def test_stay_where_the_request_says_nothing(self):
        assert merged(hello(options={"limit": 5}), heat=1) == {"limit": 5, "heat": 1}

    def test_that_are_wrong_are_told_all_at_once(self):
        request = hello(max_tokens=5, options={"limit": 6, "tools": [], "timeout": 3})

        with pytest.raises(ModelError) as caught:
            merged(request)

        assert caught.value.code == "bad_request"
        for part in (
            "limit is given twice: as an option and as the request's max_tokens",
            "tools is not an option: it is set by the request",
            "timeout is not an option: give the provider's",
        ):
            assert part in str(caught.value)

    def test_hold_no_model(self):
        assert merged(hello(options={"model": "other", "seed": 1})) == {"seed": 1}

    def test_of_a_model_are_looked_at_by_name(self):
        assert option_faults({"seed": 1}, TYPED) == []
        assert len(option_faults({"messages": 1, "extra_body": {}}, TYPED)) == 2


class TestModel:
    def test_is_the_declared_one_unless_the_request_names_another(self):
        assert asked_model(hello(), "declared") == "declared"
        assert asked_model(hello(options={"model": "other"}), "declared") == "other"


class TestArguments:
    def test_that_are_options_too_are_named(self):
        assert given_twice({"heat": 0, "seed": None}, {"heat": 1, "seed": 2}) == [
            "heat is given twice: as itself and in options"
        ]

    def test_are_compared_with_the_options_that_say_the_same(self):
        assert given_twice({"heat": 1}, {"warmth": 1}, {"heat": ("warmth",)}) != []
        assert given_twice({"heat": 1}, None) == []


class TestOwnClient:
    @pytest.fixture(autouse=True)
    def module(self, tmp_path, monkeypatch):
        (tmp_path / "own_clients.py").write_text(
            "def number(): return 5\ndef breaks(): raise OSError('no certificates')\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        yield
        sys.modules.pop("own_clients", None)

    def test_is_made_by_the_projects_function(self):
        assert made_by("own_clients:number", int, "the model") == 5
        assert made_by(None, int, "the model") is None

    @pytest.mark.parametrize(
        ("name", "why"),
        [
            ("own_clients:breaks", "OSError: no certificates"),
            ("own_clients:missing", "has no missing"),
            ("no_such_module:client", "cannot be imported"),
        ],
    )
    def test_that_cannot_be_made_is_told_with_its_name(self, name, why):
        with pytest.raises(ResourceError, match=why) as caught:
            made_by(name, int, "the model")

        assert f"the model cannot be opened: http_client {name}" in str(caught.value)

    def test_of_another_kind_is_told(self):
        with pytest.raises(ResourceError, match=r"made a int, not a builtins\.str"):
            made_by("own_clients:number", str, "the model")

    @pytest.mark.parametrize("name", ["client", "a:b:c", ":b", "a:", "a b:c", "a:b()", 5])
    def test_is_named_by_a_reference(self, name):
        assert factory_faults(name) == [
            "http_client must name a function of the project, as module:function"
        ]

    @pytest.mark.parametrize("name", [None, "a:b", "a.b:C.d"])
    def test_named_well_is_no_fault(self, name):
        assert factory_faults(name) == []
