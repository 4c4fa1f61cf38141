"""One session with a server, kept by a task of its own.

The SDK's task groups must be left by the task that entered them, and the calls come from many: so
a task connects, waits, and disconnects, and calls only use what it holds.
"""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import mcp_types as types
from mcp import Client, MCPError
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import TypeAdapter, ValidationError

from headrace.errors import HeadraceError, ResourceError, ToolError
from headrace.records import TELLER, tell
from headrace_mcp._failures import first_of, words
from headrace_mcp._http import made_here
from headrace_mcp._looking import look, pages
from headrace_mcp._pins import prompt_entries, resource_entries, template_entries
from headrace_mcp._sessions import LostError
from headrace_mcp._telling import MAX_TEXT, MAX_TOLD, progress_teller
from headrace_mcp._text import clean, clean_json, shown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from mcp.client._transport import TransportStreams
    from mcp.client.session import ClientSession, IncomingMessage
    from mcp_types import LoggingLevel

    from headrace_mcp._pins import Change

    Transport = Callable[["Connection"], AbstractAsyncContextManager[TransportStreams]]

__all__ = ["Connection"]

T = TypeVar("T")

CLIENT = types.Implementation(name="headrace", version="0.1.0")
_CLOSING = 10.0
"""Seconds that a session has to end; ending a process takes up to six."""
_LISTENING = 5.0
"""Seconds that are waited for a server to take note that we listen."""
_RELISTEN = (1.0, 60.0)
_ROUNDS = 20
"""Times that a server may put a call off."""
_PUT_OFF = 0.25

_log = logging.getLogger("headrace_mcp")
_Outcome = types.CallToolResult | types.InputRequiredResult
_OUTCOME: TypeAdapter[_Outcome] = TypeAdapter(_Outcome)
_LISTS_CHANGED = (
    types.ToolListChangedNotification,
    types.PromptListChangedNotification,
    types.ResourceListChangedNotification,
)


class Connection:
    """A session with a server.

    Args:
        transport: Gives the streams to the server; tells the connection when it is lost.
        explain: Makes a text of why it is lost, with what is known beside.
        log_level: From which level the server's log is wanted; ``None``: not at all.
        seconds: How long a server may take to be ready, and to say what it has.
    """

    def __init__(
        self,
        transport: Transport,
        explain: Callable[[str], str],
        log_level: LoggingLevel | None,
        seconds: float,
    ) -> None:
        self._transport = transport
        self._explain = explain
        self._log_level = log_level
        self._seconds = seconds
        self._client: Client | None = None
        self._task: asyncio.Task[None] | None = None
        self._failure: HeadraceError | None = None
        self._ready = asyncio.Event()
        self._woken = asyncio.Event()
        self._settled = asyncio.Event()
        self._closing = False
        self._calls: dict[int, contextvars.Context] = {}
        self._numbers = itertools.count()
        self._logs = 0
        self.lost: str | None = None
        """Why it is lost, once it is."""
        self.retired: str | None = None
        """Why only the calls under way still use it."""
        self.found: dict[str, Any] = {}
        """What the server offers, as a pin; looked up again when the server says it changed."""

        self.compared: dict[str, Any] | None = None
        """Which of what was found is held against the pin."""
        self.changes: dict[str, Change] = {}
        """What became of tools since they were pinned, by the server's names."""

    @property
    def alive(self) -> bool:
        """Whether the server can be asked."""
        over = self.lost or self.retired or self._closing
        return self._ready.is_set() and not over

    @property
    def over(self) -> bool:
        """Whether nothing of it is left."""
        return self._task is None or self._task.done()

    @property
    def busy(self) -> bool:
        """Whether a call is under way."""
        return bool(self._calls)

    async def open(self) -> None:
        """Connects, and looks up what the server offers.

        Raises:
            ResourceError: The server's command cannot be started, or a token is not to be had.
            ToolError: The server is not to be had; the text says why.
        """
        keep = self._run()
        # A context of its own: what the first caller has set there is not the others'.
        task = contextvars.Context().run(asyncio.get_running_loop().create_task, keep)
        self._task = task
        try:
            await asyncio.wait_for(self._ready.wait(), self._seconds)
        except asyncio.TimeoutError:
            self.lose(f"it was not ready within {self._seconds:g} s")
            task.cancel()
        except asyncio.CancelledError:
            task.cancel()
            await self.close()
            raise
        if self.lost is not None:
            await self.close()
            raise self._failure or ToolError(self._explain(self.lost))

    async def look(self) -> dict[str, Any]:
        """What the server offers, in a session for this alone; raises what ``open`` does."""
        await self.open()
        try:
            return self.found
        finally:
            await self.close()

    async def close(self) -> None:
        """Ends the session, and the server where it is a process; nothing happens the second time.

        It takes at most some seconds.
        """
        self._closing = True
        self._woken.set()
        task = self._task
        if task is None:
            return
        await asyncio.wait({task}, timeout=_CLOSING)
        if not task.done():
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def settled(self) -> None:
        """Waits until what the server said it changed is looked up, or the session is lost."""
        await self._settled.wait()

    def lose(self, why: str) -> None:
        """Told that the server can be asked no more: calls under way fail."""
        if self.lost is None:
            self.lost = why
        self._ready.set()
        self._woken.set()
        self._settled.set()

    def retire(self, why: str) -> None:
        """Told that the server takes no more calls here: those under way get their answers."""
        if self.retired is None:
            self.retired = why
        self._woken.set()
        self._settled.set()

    # ------------------------------------------------------------ asking
    async def call_tool(self, name: str, arguments: dict[str, Any]) -> types.CallToolResult:
        """Calls a tool by the server's name for it.

        Raises:
            ToolError: The server refused, or its answer is none.
            LostError: The connection was lost.
        """
        state: str | None = None

        # Not by its `call_tool`: that holds answers against the server's own schema, which may be
        # one that takes forever, and this is the worker's event loop.
        def ask(session: ClientSession) -> Awaitable[_Outcome]:
            params = types.CallToolRequestParams(
                name=name, arguments=arguments, request_state=state
            )
            request = types.CallToolRequest(params=params)
            return session.send_request(request, _OUTCOME, progress_callback=progress_teller(name))

        for _ in range(_ROUNDS):
            answer = await self._ask(ask)
            if isinstance(answer, types.CallToolResult):
                return answer
            if answer.input_requests or answer.request_state is None:
                kinds = {one.method for one in (answer.input_requests or {}).values()}
                wanted = ", ".join(sorted(kinds)) or "more input"
                raise ToolError(f"the tool asks for {wanted}, which nobody can give it here")
            state = answer.request_state
            await asyncio.sleep(_PUT_OFF)
        raise ToolError(f"the server put the call off {_ROUNDS} times")

    async def read_resource(self, uri: str) -> types.ReadResourceResult:
        """Reads a resource; raises what ``call_tool`` does."""
        return await self._ask(lambda session: session.read_resource(uri))

    async def get_prompt(self, name: str, arguments: dict[str, str]) -> types.GetPromptResult:
        """Fills a prompt; raises what ``call_tool`` does."""
        return await self._ask(lambda session: session.get_prompt(name, arguments))

    async def list_resources(self) -> dict[str, Any]:
        """The resources that there are now; raises what ``call_tool`` does."""
        found = await self._ask(lambda session: pages(session.list_resources, "resources"))
        forms = await self._ask(
            lambda session: pages(session.list_resource_templates, "resource_templates")
        )
        return {
            "resources": resource_entries(found or []),
            "templates": template_entries(forms or []),
        }

    async def list_prompts(self) -> list[dict[str, Any]]:
        """The prompts that there are now; raises what ``call_tool`` does."""
        found = await self._ask(lambda session: pages(session.list_prompts, "prompts"))
        return prompt_entries(found or [])

    async def _ask(self, ask: Callable[[ClientSession], Awaitable[T]]) -> T:
        if self._client is None or not self.alive:
            why = self.lost or self.retired or "it was closed"
            raise LostError(self._explain(why), sent=False)
        number = next(self._numbers)
        self._logs = 0
        self._calls[number] = contextvars.copy_context()
        try:
            return await ask(self._client.session)
        except MCPError as error:
            failure = self._failed(error)
        except ValidationError as error:
            failure = ToolError(self._explain(words(error)))
        except RuntimeError as error:  # the SDK's: closed meanwhile, or more input is wanted
            failure = ToolError(self._explain(clean(str(error), MAX_TEXT)))
        finally:
            del self._calls[number]
            if self.retired is not None:
                self._woken.set()
        # Not raised above: errors of the client hold what was sent.
        raise failure

    def _failed(self, error: MCPError) -> Exception:
        said = clean(error.message, MAX_TEXT)
        if made_here(error.data):
            sent = error.data["sent"]
            told = self._explain(said)
            if error.data["lasting"]:
                return ResourceError(told)
            return ToolError(told) if sent is None else LostError(told, sent=sent)
        # A server may use this code for errors of its own.
        broken = self.lost or self._closing or said.startswith("SSE stream")
        if error.code == types.CONNECTION_CLOSED and broken:
            return LostError(self._explain(self.lost or said), sent=True)
        if error.code == types.HEADER_MISMATCH:
            self._look_again()
            return LostError(self._explain("it wants its tools to be looked up again"), sent=False)
        more = "" if error.data is None else f" ({shown(clean_json(error.data), MAX_TEXT)})"
        return ToolError(self._explain(f"it refused: {said}{more}"))

    # ------------------------------------------------------------ the task
    async def _run(self) -> None:
        try:
            await self._keep()
        except asyncio.CancelledError:
            raise
        except HeadraceError as error:
            self._failure = error
            self.lose(str(error))
        except BaseException as error:
            leaf = first_of(error)
            if isinstance(leaf, HeadraceError):
                self._failure = leaf
            elif isinstance(leaf, MCPError) and made_here(leaf.data) and leaf.data["lasting"]:
                self._failure = ResourceError(self._explain(words(leaf)))
            elif not isinstance(leaf, Exception):
                raise
            if isinstance(leaf, TimeoutError):
                self.lose(f"it did not say within {self._seconds:g} s what it has")
            self.lose(words(leaf))
        finally:
            self.lose("it was closed")

    async def _keep(self) -> None:
        async with (
            Client(
                self._transport(self),
                client_info=CLIENT,
                cache=None,
                log_level=self._log_level,
                logging_callback=self._logged,
                message_handler=self._noticed,
            ) as client,
            anyio.create_task_group() as group,
        ):
            self._client = client
            if client.protocol_version in MODERN_PROTOCOL_VERSIONS:
                with anyio.move_on_after(_LISTENING):
                    await group.start(self._listen, client)
            elif self._log_level is not None and client.server_capabilities.logging is not None:
                level = types.SetLevelRequestParams(level=self._log_level)
                request = types.SetLevelRequest(params=level)
                with suppress(MCPError):  # it says more than we asked for, or less
                    await client.session.send_request(request, types.EmptyResult)
            self._woken.set()
            while True:
                await self._woken.wait()
                self._woken.clear()
                if self._closing or self.lost or (self.retired and not self._calls):
                    break
                if self.retired:
                    continue
                with anyio.fail_after(self._seconds):
                    self.found = await look(client)
                if not self._woken.is_set():
                    self._settled.set()
                self._ready.set()
            group.cancel_scope.cancel()

    async def _listen(
        self, client: Client, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED
    ) -> None:
        """Asks to be told of changes, as servers want it since the protocol of 2026-07-28.

        ``_noticed`` takes what they tell.
        """
        pause, started = _RELISTEN[0], False
        while True:
            try:
                async with client.listen(
                    tools_list_changed=True,
                    prompts_list_changed=True,
                    resources_list_changed=True,
                ) as told:
                    if started:
                        self._look_again()  # nobody tells what changed meanwhile
                    else:
                        task_status.started()
                        started = True
                    async for _ in told:
                        pass
            except (MCPError, SubscriptionLost, ListenNotSupportedError) as error:
                if not started:
                    task_status.started()
                    started = True
                if isinstance(error, MCPError) and error.code == types.METHOD_NOT_FOUND:
                    return
            await anyio.sleep(pause)
            pause = min(2 * pause, _RELISTEN[1])

    def _look_again(self) -> None:
        if self.alive:
            self._settled.clear()
            self._woken.set()

    async def _noticed(self, message: IncomingMessage) -> None:
        if isinstance(message, _LISTS_CHANGED):
            self._look_again()

    async def _logged(self, params: types.LoggingMessageNotificationParams) -> None:
        self._logs += 1
        if self._logs > MAX_TOLD:
            return
        text = params.data if isinstance(params.data, str) else shown(params.data, MAX_TEXT)
        data = {"level": params.level, "text": clean(text, MAX_TEXT), "calls": len(self._calls)}
        name = clean(params.logger or "", MAX_TEXT)
        if TELLER.get() is not None:  # over HTTP it comes with the answer, so it is known whose
            tell("logged", name, **data)
        elif self._calls:  # else it is not: the one who waits longest is told
            next(iter(self._calls.values())).run(tell, "logged", name, **data)
        else:
            _log.info("an MCP server logged: %s", data)
