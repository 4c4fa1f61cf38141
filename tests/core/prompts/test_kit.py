"""The kit for authors of prompts, held against prompts that are right and wrong."""

from __future__ import annotations

from typing import ClassVar

import pytest
from prompt_agents import HELLO, Elsewhere, greeting

from headrace import Message, Prompt
from headrace.interfaces import PromptSource
from headrace.testing import PromptSuite


class TestAPrompt(PromptSuite):
    fields: ClassVar = {"name": "Ada"}

    @pytest.fixture
    def provided(self):
        return HELLO


class TestAFunction(PromptSuite):
    arguments: ClassVar = {"word": "Ave"}
    fields: ClassVar = {"name": "Ada"}

    @pytest.fixture
    def provided(self):
        return greeting


class TestASource(PromptSuite):
    arguments: ClassVar = {"city": "Bern"}

    @pytest.fixture
    def provided(self):
        return Elsewhere


COUNT = iter(range(1_000))


def counted():
    return f"{next(COUNT)} {{name}}"


class Twice(PromptSource):
    async def fill(self, fields):
        [message] = Prompt("{name}").fill(**fields)
        return Prompt(messages=[message]).fill(**fields)


class Silent(PromptSource):
    async def fill(self, fields):
        return []


class Tools(PromptSource):
    async def fill(self, fields):
        return [Message(role="tool", content=fields["name"])]


@pytest.mark.parametrize(
    ("test", "wrong", "fields"),
    [
        ("it_has_messages", Silent, {}),
        ("it_has_messages", Tools, {"name": "Ada"}),
        ("it_is_the_same_each_time", counted, {"name": "Ada"}),
        ("each_field_is_told", "Hello", {"name": "Ada"}),
        ("no_field_is_left", "Hello {name}", {}),
        ("its_fields_are_named", "Hello {name}", {}),
        ("what_is_filled_in_is_not_read_again", Twice, {"name": "Ada", "secret": "no"}),
    ],
)
def test_the_kit_finds_what_is_wrong(test, wrong, fields):
    suite = type("Wrong", (PromptSuite,), {"fields": fields})()

    with pytest.raises(AssertionError):
        getattr(suite, f"test_{test}")(wrong)
