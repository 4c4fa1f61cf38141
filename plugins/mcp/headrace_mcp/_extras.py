"""Tools to list and read a server's resources, and to list and fill its prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.errors import ToolError
from headrace.tools import arguments_model, check_arguments, tool_spec

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from headrace.chat import ToolSpec
    from headrace_mcp._connection import Connection

__all__ = ["Extras"]


class Extras:
    """Those of the tools that are wanted.

    Args:
        prefix: What stands before the names.
        limit: Characters of a result.
        resources: Whether there are those for resources.
        prompts: Whether there are those for prompts.
    """

    def __init__(self, prefix: str, limit: int, *, resources: bool, prompts: bool) -> None:
        self._limit = limit
        tools: list[Callable[..., Any]] = []
        tools += [self.list_resources, self.read_resource] if resources else []
        tools += [self.list_prompts, self.get_prompt] if prompts else []
        self._tools = {prefix + tool.__name__: tool for tool in tools}
        self._models = {name: arguments_model(tool) for name, tool in self._tools.items()}
        self.specs: dict[str, ToolSpec] = {
            name: tool_spec(name, None, tool) for name, tool in self._tools.items()
        }
        """What models are told of each."""

    def call(
        self, name: str, arguments: Mapping[str, Any]
    ) -> Callable[[Connection], Awaitable[Any]]:
        """What asks the server for a call of one of them.

        Raises:
            ToolError: The arguments do not fit.
        """
        checked = check_arguments(self._models[name], name, arguments)
        # They give what asks, and say no more than Any: their types are read to make a schema.
        ask: Callable[[Connection], Awaitable[Any]] = self._tools[name](**checked)
        return ask

    def list_resources(self) -> Any:
        """Lists the server's resources: what can be read, each with its address.

        Addresses with fields in braces are templates: fill in the fields.
        """

        async def ask(connection: Connection) -> Any:
            from headrace_mcp._results import bounded

            return bounded(await connection.list_resources(), self._limit)

        return ask

    def read_resource(self, uri: str) -> Any:
        """Reads one of the server's resources.

        Args:
            uri: Its address, as listed.
        """

        async def ask(connection: Connection) -> str:
            from headrace_mcp._results import resource_text

            return resource_text(await connection.read_resource(uri), self._limit)

        return ask

    def list_prompts(self) -> Any:
        """Lists the server's prompts: texts for tasks, each with the arguments it takes."""

        async def ask(connection: Connection) -> Any:
            from headrace_mcp._results import bounded

            return bounded(await connection.list_prompts(), self._limit)

        return ask

    def get_prompt(self, name: str, arguments: dict[str, str] | None = None) -> Any:
        """Gives the text of one of the server's prompts.

        Args:
            name: Its name, as listed.
            arguments: Its arguments, by name.
        """

        async def ask(connection: Connection) -> str:
            from headrace_mcp._results import prompt_text

            _check_prompt(connection.found["prompts"] or [], name, arguments or {})
            return prompt_text(await connection.get_prompt(name, arguments or {}), self._limit)

        return ask


def _check_prompt(prompts: list[dict[str, Any]], name: str, arguments: Mapping[str, str]) -> None:
    """Refuses what the server would refuse in fewer words."""
    known = {prompt["name"]: prompt for prompt in prompts}
    if name not in known:
        raise ToolError(f"there is no prompt {name!r}; the prompts are: {', '.join(known)[:500]}")
    needed = [one["name"] for one in known[name]["arguments"] if one["required"]]
    if missing := [one for one in needed if one not in arguments]:
        raise ToolError(f"the prompt {name} needs the arguments {', '.join(missing)}")
