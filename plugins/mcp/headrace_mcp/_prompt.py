"""A prompt that a server fills."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.errors import PromptError, ResourceError, ToolError
from headrace.interfaces import PromptSource
from headrace_mcp._toolset import McpTools

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace.chat import Message

__all__ = ["McpPrompt"]


class McpPrompt(PromptSource):
    """Kind ``prompts``, name ``mcp``: a prompt of a Model Context Protocol server.

    It is filled over the connection of the agent's MCP tools, whose arguments say where the server
    is. The server decides what its messages say, and they may only be a user's or an assistant's:
    name one that you trust. Filling it is a durable call.

    Args:
        server: The name of the agent's MCP tools (``use("tools", "mcp", ...)``).
        name: The prompt's name, as the server has it.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    def __init__(self, *, server: str, name: str) -> None:
        faults = [
            f"{argument} must be a name"
            for argument, given in (("server", server), ("name", name))
            if not isinstance(given, str) or not given.strip()
        ]
        if faults:
            raise ResourceError("the MCP prompt cannot be set up: " + "; ".join(faults))
        self._server = server
        self._name = name
        self._needed: frozenset[str] = frozenset()
        self._tools: McpTools | None = None

    async def open(self) -> None:
        """Finds the server's tools, and in what they know of it the prompt's arguments.

        Raises:
            ResourceError: The agent has no such MCP tools, or their server no such prompt.
            ToolError: The server is not to be had now.
        """
        tools = await self.resource("tools", self._server)
        if not isinstance(tools, McpTools):
            raise ResourceError(
                f"the MCP prompt {self._name!r}: {self._server!r} is a {type(tools).__name__}; "
                'server names use("tools", "mcp", ...)'
            )
        known = {prompt["name"]: prompt["arguments"] for prompt in tools.prompts()}
        if self._name not in known:
            has = ", ".join(known)[:500] or "none"
            raise ResourceError(f"{self._server!r} has no prompt {self._name!r} (it has: {has})")
        arguments = known[self._name]
        self.fields = frozenset(one["name"] for one in arguments)
        self._needed = frozenset(one["name"] for one in arguments if one["required"])
        self._tools = tools

    async def fill(self, fields: Mapping[str, str]) -> Sequence[Message]:
        """Its messages, as the server fills them.

        Raises:
            PromptError: An argument is missing, or what the server gave is no prompt.
            ToolError: The server is not to be had, or refuses.
        """
        if self._tools is None:
            raise ResourceError(f"the MCP prompt {self._name!r} is not open")
        if missing := sorted(self._needed - fields.keys()):
            raise PromptError(
                f"the MCP prompt {self._name!r} needs the fields {', '.join(missing)}"
            )
        messages = await self._tools.fill_prompt(self._name, dict(fields))
        if not messages:
            raise ToolError(f"the server gave the prompt {self._name!r} no message")
        return messages
