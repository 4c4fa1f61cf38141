"""Prompts that a server fills."""

from __future__ import annotations

from types import SimpleNamespace
from typing import ClassVar

import mcp_types as types
import pytest

from headrace import Agent, InputEvent, OutputEvent, action, run_local, use
from headrace.errors import PromptError, ResourceError, ToolError
from headrace.policy import DEAD_LETTER
from headrace.testing import PromptSuite
from headrace_mcp import McpPrompt, McpTools
from headrace_mcp._results import MAX_MESSAGES, prompt_messages

ECHO = {"rules": [{"name": "all", "say": "{user}"}]}


def connected(url):
    """A prompt that finds its server's tools without an agent."""

    class Connected(McpPrompt):
        async def open(self):
            tools = McpTools(url=url)
            await tools.open()

            async def lookup(kind, name):
                assert (kind, name) == ("tools", "shop")
                return tools

            self.resource_lookup = lookup
            self.close = tools.close
            await super().open()

    return Connected


class TestConformance(PromptSuite):
    arguments: ClassVar = {"server": "shop", "name": "offer"}
    fields: ClassVar = {"wood": "ash"}

    @pytest.fixture
    def provided(self, workshop_url):
        return connected(workshop_url)


class Seller(Agent):
    """Its model's conversations begin with the server's prompt."""

    url: str
    name: str = "offer"

    def resources(self):
        return {
            "shop": use("tools", "mcp", url=self.url),
            "offer": use("prompts", "mcp", server="shop", name=self.name),
            "model": use("chat_models", "scripted", policy=ECHO).with_prompt("offer"),
        }

    @action(InputEvent, on_failure=DEAD_LETTER)
    async def sell(self, event, ctx):
        response = await ctx.chat("model", event.input)
        ctx.send(OutputEvent(output=response.text))


def test_an_input_fills_it_by_its_fields(workshop_url):
    inputs = [{"wood": "ash"}, {"wood": "{wood}", "more": 1}]

    assert run_local(Seller(url=workshop_url), inputs, key=lambda _input: "desk") == [
        "Write an offer for ash.",
        "Write an offer for {wood}.",
    ]


@pytest.fixture
def opened(using, workshop_url):
    """What one prompt of the workshop gives for some fields."""

    def opened(fields, **arguments):
        prompt = connected(workshop_url)(**{"server": "shop", "name": "offer", **arguments})
        return using(prompt, lambda ready: ready.fill(fields))

    return opened


def test_without_what_it_needs_it_is_an_error_that_names_it(opened):
    with pytest.raises(PromptError, match="the MCP prompt 'offer' needs the fields wood"):
        opened({})


def test_one_that_the_server_has_not_is_an_error_that_names_those_that_it_has(opened):
    with pytest.raises(ResourceError, match=r"no prompt 'order' \(it has: offer\)"):
        opened({}, name="order")


def test_the_server_is_named_by_its_tools(run):
    prompt = McpPrompt(server="shop", name="offer")

    async def lookup(_kind, _name):
        return object()

    prompt.resource_lookup = lookup
    with pytest.raises(ResourceError, match=r'server names use\("tools", "mcp", \.\.\.\)'):
        run(prompt.open())


def test_all_that_is_wrong_with_its_arguments_is_said():
    with pytest.raises(ResourceError, match="server must be a name; name must be a name"):
        McpPrompt(server="", name=7)


class TestMessages:
    def messages(self, *contents, limit=100):
        made = [types.PromptMessage(role="user", content=content) for content in contents]
        return prompt_messages(SimpleNamespace(messages=made), limit)

    def text(self, text):
        return types.TextContent(type="text", text=text)

    def test_roles_and_texts_are_kept(self):
        made = types.PromptMessage(role="assistant", content=self.text("Yes?"))
        [message] = prompt_messages(SimpleNamespace(messages=[made]), 100)

        assert (message.role, message.content) == ("assistant", "Yes?")

    def test_what_cannot_be_seen_is_taken_out(self):
        assert self.messages(self.text("a\u200bb"))[0].content == "ab"

    def test_pictures_are_shown(self):
        dot = "iVBORw0KGgo="
        content = types.ImageContent(type="image", data=dot, mime_type="image/png")
        [message] = self.messages(content)

        assert (message.content, message.images[0].data) == ("", dot)

    def test_all_together_have_so_many_characters(self):
        first, second = self.messages(self.text("abc"), self.text("defgh"), limit=5)

        assert (first.content, second.content) == ("abc", "de\n[cut: 3 more]")

    def test_there_are_so_many(self):
        with pytest.raises(ToolError, match=f"more than {MAX_MESSAGES} messages"):
            self.messages(*[self.text("a")] * (MAX_MESSAGES + 1))
