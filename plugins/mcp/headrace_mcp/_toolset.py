"""The tools of a server, as a toolset."""

from __future__ import annotations

import functools
import logging
import os
import weakref
from typing import TYPE_CHECKING, Any, TypeVar

from headrace.chat import ToolSpec
from headrace.errors import NonRetryableError, ResourceError, ToolError
from headrace.interfaces import CALLER, Toolset
from headrace.records import tell
from headrace_mcp._arguments import check_shape
from headrace_mcp._extras import Extras
from headrace_mcp._groups import end_groups
from headrace_mcp._names import chosen, model_names
from headrace_mcp._oauth_settings import read_oauth
from headrace_mcp._pins import changes, checked
from headrace_mcp._sessions import LostError, Sessions
from headrace_mcp._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from headrace.chat import Message
    from headrace_mcp._connection import Connection
    from headrace_mcp._pins import Change

__all__ = ["McpTools"]

T = TypeVar("T")

_log = logging.getLogger("headrace_mcp")
_SHARED = ""
_MAX_TOLD = 1_000
"""Changes that are remembered, so that each is told once."""


class McpTools(Toolset):
    """Kind ``tools``, name ``mcp``: the tools of a Model Context Protocol server.

    The server is a process of the worker's (``command``) or reached over HTTP (``url``). Arguments
    are part of the plan, so none of them holds a secret: secrets are named by the environment
    variables that the worker finds them in. Time-outs of calls are the runtime's.

    Args:
        command: The program of a server that speaks over its standard input and output, and its
            arguments.
        env: Names of the worker's environment variables that the program is given; beside them it
            has only a few, such as ``PATH`` and ``HOME``.
        cwd: The folder that the program runs in; the worker's where ``None``.
        url: The address of a server that speaks streamable HTTP.
        headers: Headers of every request.
        secret_headers: Headers whose values are secrets: the environment variable of each.
        bearer_env: The environment variable of a bearer token.
        user: The user of Basic authentication.
        password_env: The environment variable of that user's password.
        oauth: How tokens are had by OAuth: ``grant`` (``authorization_code``, where a person signs
            in once with ``agents login``; ``client_credentials``, where nobody does), ``issuer``
            (the authorization server), ``client_id``, ``client_secret_env``.
        prefix: What stands before the name of each tool, so that two servers do not clash.
        include: Globs on the server's names of tools: only these are offered. All where ``None``.
        exclude: Globs of tools that are not offered.
        resources: Whether there are tools to list and to read the server's resources.
        prompts: Whether there are tools to list and to fill the server's prompts.
        images: Whether pictures of results are given to the model, which must be one that sees them
            in a tool's message; else they are described.
        instructions: Whether what the server says of itself is put into the system prompt.
        pinned: What ``pin`` returned once: what models are told then stands in the plan.
        on_change: What happens when the server offers a tool in another way than was pinned:
            ``stop`` fails its calls for good, ``allow`` goes on. Either way observers are told.
        sessions: ``shared``: one session for the worker; ``key``: one for each key of the stream.
        max_sessions: How many sessions there may be; the one not used for longest makes room.
        max_result: Characters of a result; what is longer is cut.
        log_level: From which level the server's log is told to observers; ``None``: not at all.
        start_timeout: Seconds that the server may take to be ready and to say what it has.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    pinned: dict[str, Any] | None = None
    """What was pinned; set before ``open``."""

    def __init__(
        self,
        *,
        command: Sequence[str] | None = None,
        env: Sequence[str] = (),
        cwd: str | None = None,
        url: str | None = None,
        headers: Mapping[str, str] | None = None,
        secret_headers: Mapping[str, str] | None = None,
        bearer_env: str | None = None,
        user: str | None = None,
        password_env: str | None = None,
        oauth: Mapping[str, str] | None = None,
        prefix: str = "",
        include: Sequence[str] | None = None,
        exclude: Sequence[str] = (),
        resources: bool = False,
        prompts: bool = False,
        images: bool = False,
        instructions: bool = False,
        pinned: dict[str, Any] | None = None,
        on_change: str = "stop",
        sessions: str = "shared",
        max_sessions: int = 100,
        max_result: int = 100_000,
        log_level: str | None = "warning",
        start_timeout: float = 60.0,
    ) -> None:
        self._settings = Settings(
            command=command,
            env=env,
            cwd=cwd,
            url=url,
            headers=dict(headers or {}),
            secret_headers=dict(secret_headers or {}),
            bearer_env=bearer_env,
            user=user,
            password_env=password_env,
            oauth=oauth,
            prefix=prefix,
            include=include,
            exclude=exclude,
            on_change=on_change,
            sessions=sessions,
            max_sessions=max_sessions,
            max_result=max_result,
            log_level=log_level,
            start_timeout=start_timeout,
        )
        faults = self._settings.faults()
        if pinned is not None:
            try:
                self.pinned = checked(pinned)
            except ResourceError as error:
                faults.append(str(error))
        if faults:
            raise ResourceError("the MCP tools cannot be set up: " + "; ".join(faults))
        self._wants_resources = resources
        self._wants_prompts = prompts
        self._wants_images = images
        self._wants_instructions = instructions
        self._pin: dict[str, Any] = {}
        self._tools: dict[str, dict[str, Any]] = {}
        self._specs: tuple[ToolSpec, ...] = ()
        self._extras = Extras("", max_result, resources=False, prompts=False)
        self._told: set[Change] = set()
        self._sessions: Sessions | None = None
        self._groups: set[int] = set()
        # Where nobody comes to close it: the worker's loop is thrown away, or Python ends.
        weakref.finalize(self, end_groups, self._groups)

    async def open(self) -> None:
        """Finds out what the server offers: from the pin, or else by asking it.

        Raises:
            ResourceError: An environment variable is not set, the pin is none, or the server's
                command cannot be started.
            ToolError: The server is not to be had now.
        """
        make = self._maker()
        sessions = Sessions(make, self._limit, self._opened)
        try:
            if self.pinned is not None:
                pin = checked(self.pinned)
            elif self._settings.sessions == "shared":
                pin = (await sessions.get(_SHARED)).found
            else:
                pin = await make().look()
            self._offer(pin)
        except BaseException:
            await sessions.close()
            raise
        self._sessions = sessions

    async def close(self) -> None:
        """Ends the sessions, and the servers where they are processes."""
        sessions, self._sessions = self._sessions, None
        if sessions is not None:
            await sessions.close()

    async def pin(self) -> dict[str, Any]:
        """Asks the server, in a session of its own, for all that it offers.

        Returns:
            JSON: ``server`` (name and version), ``protocol``, ``instructions``, ``tools`` (each
            with ``name``, ``description``, ``inputSchema``, ``outputSchema``, ``annotations``),
            ``prompts``, ``resources`` and ``templates`` (``None`` where the server has no such
            thing), ``left_out`` (tools that no model could be told of, and why), and ``digest``.

        Raises:
            ResourceError: An environment variable is not set, or the command cannot be started.
            ToolError: The server is not to be had.
        """
        return await self._maker()().look()

    @property
    def signs_in(self) -> bool:
        """Whether a person has to have signed in."""
        oauth, _ = read_oauth(self._settings.oauth)
        return oauth is not None and oauth.by_a_person

    async def sign_in(
        self, show: Callable[[str, str], None], *, port: int = 0, seconds: float = 300.0
    ) -> str:
        """Lets a person sign in to the server, and keeps the tokens in a file of this machine.

        Args:
            show: Shows the person which authorization server asks, and the address to open.
            port: The port of this machine that the browser comes back to; 0: any.
            seconds: How long the person may take.

        Returns:
            The file.

        Raises:
            ResourceError: Nothing came of it; the text says why.
            ToolError: The server is not to be had now.
        """
        from headrace_mcp._entering import sign_in

        return await sign_in(self._settings, show, port=port, seconds=seconds)

    def specs(self) -> Sequence[ToolSpec]:
        """The tools; the same ones as long as it is open."""
        return self._specs

    def instructions(self) -> str:
        """What the server says of itself, where that is wanted; as it was pinned."""
        return str(self._pin.get("instructions", "")) if self._wants_instructions else ""

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Calls a tool.

        Returns:
            JSON where the tool has a form for its results, else text; a ``ToolResult`` where there
            are pictures to be given.

        Raises:
            ToolError: It failed, or the server is not to be had; the text tells the model why.
            NonRetryableError: The server offers the tool in another way than was pinned.
            ResourceError: The toolset is not open.
        """
        if self._sessions is None:
            raise ResourceError(f"{self._settings.what} is not open: await tools.open() first")
        if name in self._extras.specs:
            ask = self._extras.call(name, arguments)
            return await self._ask(name, ask, repeatable=True)
        tool = self._tools.get(name)
        if tool is None:
            raise ToolError(f"there is no tool called {name!r}")
        check_shape(name, tool["inputSchema"], arguments)
        hints = tool["annotations"]
        repeatable = hints.get("readOnlyHint") is True or hints.get("idempotentHint") is True

        async def call(connection: Connection) -> Any:
            from headrace_mcp._results import tool_result

            self._hold_to_pin(connection, tool["name"])
            result = await connection.call_tool(tool["name"], dict(arguments))
            return tool_result(
                result,
                has_form=tool["outputSchema"] is not None,
                limit=self._settings.max_result,
                images=self._wants_images,
            )

        return await self._ask(name, call, repeatable=repeatable)

    def prompts(self) -> Sequence[Mapping[str, Any]]:
        """The server's prompts, each with its name and arguments; as they were pinned."""
        return tuple(self._pin.get("prompts") or ())

    async def fill_prompt(self, name: str, arguments: dict[str, str]) -> tuple[Message, ...]:
        """One of the server's prompts, filled.

        Raises:
            ToolError: The server is not to be had, or refuses.
        """

        async def ask(connection: Connection) -> tuple[Message, ...]:
            from headrace_mcp._results import prompt_messages

            given = await connection.get_prompt(name, arguments)
            return prompt_messages(given, self._settings.max_result)

        return await self._ask(name, ask, repeatable=True)

    # ------------------------------------------------------------ sessions
    @property
    def _limit(self) -> int:
        return 1 if self._settings.sessions == "shared" else self._settings.max_sessions

    def _key(self) -> str:
        if self._settings.sessions == "shared":
            return _SHARED
        caller = CALLER.get()
        if caller is None:
            raise NonRetryableError(
                f"{self._settings.what} has a session for each key, and this call is no agent's"
            )
        return caller.key_id

    async def _ask(
        self, name: str, ask: Callable[[Connection], Awaitable[T]], *, repeatable: bool
    ) -> T:
        """Asks the server; once more where that does no harm, when the connection is lost."""
        sessions, key = self._sessions, self._key()
        if sessions is None:
            raise ResourceError(f"{self._settings.what} was closed")
        again = True
        while True:
            connection = await sessions.get(key)
            await connection.settled()
            self._compare(connection)
            try:
                answer = await ask(connection)
            except LostError as lost:
                why, sent = str(lost), lost.sent
            else:
                sessions.worked(key)
                return answer
            tell("lost", name, why=why)
            if not again or (sent and not repeatable):
                break
            again = False
        if not sent:
            raise ToolError(f"the tool {name} was not called: {why}")
        raise ToolError(
            f"the connection was lost while the tool {name} was called, so nobody knows whether it "
            f"did its work; it was not called again: {why}"
            if not repeatable
            else f"the connection was lost twice while the tool {name} was called: {why}"
        )

    def _maker(self) -> Callable[[], Connection]:
        """Reads the secrets; gives what makes connections. The SDK is imported here."""
        from headrace_mcp._entering import access_to, said_to
        from headrace_mcp._servers import process, remote

        settings = self._settings
        if settings.command is not None:
            missing = [name for name in settings.env if name not in os.environ]
            if missing:
                raise ResourceError(
                    f"{settings.what} needs what this worker does not have: set the environment "
                    f"variable {' and '.join(missing)}"
                )
            env = {name: os.environ[name] for name in settings.env}
            return functools.partial(process, settings, env, self._groups)
        headers, secrets = said_to(settings)
        return functools.partial(remote, settings, headers, secrets, access_to(settings))

    def _opened(self, connection: Connection, attempt: int) -> None:
        server = connection.found["server"]
        tell("connected", self._settings.what, attempt=attempt, server=server)

    # ------------------------------------------------------------ what is offered
    def _offer(self, pin: dict[str, Any]) -> None:
        settings = self._settings
        self._pin = pin
        self._extras = Extras(
            settings.prefix,
            settings.max_result,
            resources=self._wants_resources and pin["resources"] is not None,
            prompts=self._wants_prompts and pin["prompts"] is not None,
        )
        names = model_names((t["name"] for t in pin["tools"]), settings.prefix, self._extras.specs)
        self._tools = {
            names[tool["name"]]: tool
            for tool in pin["tools"]
            if chosen(tool["name"], settings.include, settings.exclude)
        }
        specs = [_spec(name, tool) for name, tool in self._tools.items()]
        self._specs = (*specs, *self._extras.specs.values())
        for left in pin["left_out"]:
            _log.warning("%s: the tool %s is left out: %s", settings.what, *left.values())

    def _compare(self, connection: Connection) -> None:
        """Holds what the server offers now against the pin, and tells what differs."""
        if connection.compared is connection.found:
            return
        connection.compared = connection.found
        different = changes(self._pin, connection.found)
        connection.changes = {one.name: one for one in different if one.kind == "tools"}
        for change in different:
            if change in self._told:
                continue
            if len(self._told) >= _MAX_TOLD:  # one that changes all the time is told again
                self._told.clear()
            self._told.add(change)
            _log.warning("%s: %s", self._settings.what, change)
            tell(change.what, change.name, kind=change.kind, pinned=change.old, offered=change.new)

    def _hold_to_pin(self, connection: Connection, tool: str) -> None:
        """Lets nobody call what is not what the model was told of."""
        change = connection.changes.get(tool)
        if change is not None and self._settings.on_change == "stop":
            raise NonRetryableError(
                f"{self._settings.what} does not offer the tool {tool} as it was pinned: it is "
                f"{change.what} (pinned {change.old}, now {change.new or 'none'}). Look at it and "
                'pin the server again, or set on_change="allow".'
            )


def _spec(name: str, tool: Mapping[str, Any]) -> ToolSpec:
    schema = {part: value for part, value in tool["inputSchema"].items() if part != "$schema"}
    if not isinstance(schema.get("properties"), dict):
        schema["properties"] = {}
    return ToolSpec(name=name, description=tool["description"], parameters=schema)
