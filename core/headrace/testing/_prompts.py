"""What the runtime relies on in prompts of plugins."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from headrace.chat import Message
from headrace.prompts import is_source, made_prompt
from headrace.testing._suite import Suite

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PromptSuite"]

_ROLES = {"system", "user", "assistant"}


class PromptSuite(Suite):
    """For plugins of the kind ``prompts``: give the fixture ``provided``, and ``fields``.

    ::

        class TestGreeting(PromptSuite):
            fields = {"name": "Ada"}

            @pytest.fixture
            def provided(self):
                return greeting      # what the entry point names
    """

    arguments: ClassVar[Mapping[str, Any]] = {}
    """What an agent gives: ``use("prompts", "NAME", **arguments)``."""
    fields: ClassVar[Mapping[str, str]] = {}
    """A text for each of its fields."""

    @pytest.fixture
    def provided(self) -> Any:
        """What the entry point names: a ``Prompt``, a text, a function, or a ``PromptSource``."""
        raise NotImplementedError("give a fixture `provided`: what the entry point names")

    def filled(self, provided: Any, fields: Mapping[str, str]) -> tuple[Message, ...]:
        """Its messages, filled by the runtime's own means."""
        if not is_source(provided):
            return made_prompt(provided, self.arguments, "tested").fill(**fields)

        async def fill() -> tuple[Message, ...]:
            source = provided(**self.arguments)
            await source.open()
            try:
                return tuple(await source.fill(dict(fields)))
            finally:
                await source.close()
                await source.close()

        return self.run(fill())

    def test_arguments_are_data(self) -> None:
        """If this fails: a plan cannot hold them."""
        arguments = dict(self.arguments)

        assert json.loads(json.dumps(arguments, allow_nan=False)) == arguments

    def test_it_has_messages(self, provided: Any) -> None:
        """If this fails: a conversation cannot begin with it."""
        messages = self.filled(provided, self.fields)

        assert messages, "it has no messages"
        for message in messages:
            assert isinstance(message, Message)
            assert message.role in _ROLES, f"nobody with the role {message.role} begins"
            assert message.content or message.images

    def test_it_is_the_same_each_time(self, provided: Any) -> None:
        """If this fails: a replay asks the model something else, and providers cannot cache it."""
        assert self.filled(provided, self.fields) == self.filled(provided, self.fields)

    def test_each_field_is_told(self, provided: Any) -> None:
        """If this fails: ``fields`` names what the prompt does not have, or it is not filled in."""
        for name in self.fields:
            marked = {**self.fields, name: "zwölf-17"}
            told = self.filled(provided, marked)

            assert any("zwölf-17" in text for text in _texts(told)), f"nothing tells {name}"

    def test_no_field_is_left(self, provided: Any) -> None:
        """If this fails: a field is missing in ``fields``, or the model reads braces.

        A prompt that wants a model to read ``{name}`` writes it as ``{{name}}``; then override
        this test and say so.
        """
        for message in self.filled(provided, self.fields):
            assert not re.findall(r"\{[A-Za-z_][A-Za-z0-9_]*\}", message.content)

    def test_what_is_filled_in_is_not_read_again(self, provided: Any) -> None:
        """If this fails: whoever writes an input can have other values told to the model."""
        for name in self.fields:
            others = "".join(f"{{{other}}}" for other in self.fields)
            told = self.filled(provided, {**self.fields, name: f"<{others}>"})

            assert any(f"<{others}>" in text for text in _texts(told)), f"{name} is read again"

    def test_its_fields_are_named(self, provided: Any) -> None:
        """If this fails: the runtime does not give it what it takes."""
        if not is_source(provided):
            assert made_prompt(provided, self.arguments, "tested").fields == set(self.fields)
            return

        async def look() -> frozenset[str] | None:
            source = provided(**self.arguments)
            await source.open()
            try:
                named: frozenset[str] | None = source.fields
                return named
            finally:
                await source.close()

        named = self.run(look())
        assert named is None or named >= set(self.fields)


def _texts(messages: tuple[Message, ...]) -> list[str]:
    images = [image for message in messages for image in message.images]
    parts = [part for image in images for part in (image.url, image.data) if part is not None]
    return [*(message.content for message in messages), *parts]
