"""A server that is a process of this worker: JSON-RPC messages, a line each, over its pipes.

Written here and not taken from the SDK because a line is bounded, what the server says on stderr is
kept for errors, and its whole process group ends with it, however the worker ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import mcp_types as types
from mcp.shared.message import SessionMessage

from headrace.errors import ResourceError
from headrace_mcp._groups import signal_group

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from mcp.client._transport import TransportStreams

__all__ = ["Said", "stdio_server"]

MAX_LINE = 16 * 1024 * 1024
"""Bytes of a message."""
MAX_SAID = 4_000
"""Bytes of stderr that are kept: the last."""
_GRACE = 2.0
"""Seconds that a server has to end by itself, and again after SIGTERM."""
_LAST_WORDS = 0.5
"""Seconds that are waited for what a server that died said of it."""
_POLL = 0.01

_MINIMAL = (
    "HOME",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LOGNAME",
    "PATH",
    "SHELL",
    "TMPDIR",
    "TZ",
    "USER",
)
"""What every server is given of the worker's environment."""


class Said:
    """The end of what a server said on stderr, or on stdout without it being a message."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept = bytearray()

    def add(self, data: bytes) -> None:
        """Keeps the last of it."""
        self._kept += data[-MAX_SAID:]
        del self._kept[:-MAX_SAID]

    def text(self) -> str:
        """What was kept."""
        return self._kept.decode("utf-8", "replace").strip()


@asynccontextmanager
async def stdio_server(
    command: Sequence[str],
    env: Mapping[str, str],
    cwd: str | None,
    groups: set[int],
    said: Said,
    lost: Callable[[str], None],
) -> AsyncGenerator[TransportStreams]:
    """Starts a server, and ends it with all that it has started.

    Args:
        command: The program and its arguments.
        env: Variables beside the few that every server is given.
        cwd: The folder it runs in; the worker's where ``None``.
        groups: Holds the server's process group as long as there is one.
        said: Keeps what it says.
        lost: Told why, when the server has ended or can be talked to no more.

    Raises:
        ResourceError: It cannot be started.
    """
    process = await _start(command, env, cwd)
    groups.add(process.pid)
    # From here no wait until the tasks run: a cancellation would leave the process behind.
    to_client, read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write, from_client = anyio.create_memory_object_stream[SessionMessage](0)
    async with anyio.create_task_group() as group:
        quiet, ending = anyio.Event(), anyio.Event()

        def over(why: str) -> None:
            if not ending.is_set():  # what it does when we end it is not why
                lost(why)

        group.start_soon(_listen, process, said, quiet)
        group.start_soon(_read, process, to_client, said, quiet, over)
        group.start_soon(_write, process, from_client, over)
        try:
            yield read, write
        finally:
            ending.set()
            try:
                with anyio.CancelScope(shield=True):
                    write.close()
                    await _end(process)
            finally:
                # Where that was cut short by the loop's end there is no more time for good order.
                signal_group(process.pid, signal.SIGKILL)
                groups.discard(process.pid)
                for stream in (write, read, to_client, from_client):
                    stream.close()
                group.cancel_scope.cancel()


async def _start(
    command: Sequence[str], env: Mapping[str, str], cwd: str | None
) -> asyncio.subprocess.Process:
    given = {name: os.environ[name] for name in _MINIMAL if name in os.environ}
    try:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**given, **env},
            cwd=cwd,
            start_new_session=True,  # a group of its own, which can be ended as a whole
            limit=MAX_LINE,
        )
    except (OSError, ValueError) as error:
        where = f" in the folder {cwd}" if cwd else ""
        raise ResourceError(
            f"the server {command[0]} cannot be started{where}: {type(error).__name__}: {error}"
        ) from None


async def _listen(process: asyncio.subprocess.Process, said: Said, quiet: anyio.Event) -> None:
    assert process.stderr is not None  # noqa: S101 - for the type
    try:
        while data := await process.stderr.read(MAX_SAID):
            said.add(data)
    finally:
        quiet.set()


async def _read(
    process: asyncio.subprocess.Process,
    out: MemoryObjectSendStream[SessionMessage | Exception],
    said: Said,
    quiet: anyio.Event,
    lost: Callable[[str], None],
) -> None:
    assert process.stdout is not None  # noqa: S101
    why, ended = "it has ended", True
    async with out:
        while True:
            try:
                line = await process.stdout.readuntil(b"\n")
            except asyncio.IncompleteReadError:
                break
            except asyncio.LimitOverrunError:
                why, ended = f"it sent a message of more than {MAX_LINE} bytes", False
                break
            message = _message(line)
            if message is None:
                said.add(line)
                continue
            try:
                await out.send(SessionMessage(message))
            except (anyio.ClosedResourceError, anyio.BrokenResourceError):
                return
        with anyio.move_on_after(_LAST_WORDS if ended else 0):
            await quiet.wait()
            await _until(lambda: process.returncode is not None)
            why += f" with code {process.returncode}"
        # First this: those who wait are told of the end when the stream is closed.
        lost(why)


def _message(line: bytes) -> types.JSONRPCMessage | None:
    """The message of a line; for an answer that is not to be read, an error in its place."""
    try:
        return types.jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValueError as error:
        why = f"the server's answer cannot be read: {str(error)[:300]}"
    try:
        raw: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(raw, dict) or not isinstance(raw.get("id"), (int, str)) or "method" in raw:
        return None
    failure = types.ErrorData(code=types.PARSE_ERROR, message=why)
    return types.JSONRPCError(jsonrpc="2.0", id=raw["id"], error=failure)


async def _write(
    process: asyncio.subprocess.Process,
    messages: MemoryObjectReceiveStream[SessionMessage],
    lost: Callable[[str], None],
) -> None:
    assert process.stdin is not None  # noqa: S101
    try:
        async for one in messages:
            text = one.message.model_dump_json(by_alias=True, exclude_unset=True)
            process.stdin.write(text.encode() + b"\n")
            await process.stdin.drain()
    except (OSError, anyio.ClosedResourceError):
        lost("it does not read any more")


async def _end(process: asyncio.subprocess.Process) -> None:
    """Closes the server's input, which asks it to end, and then makes it and its children end."""
    assert process.stdin is not None  # noqa: S101
    process.stdin.close()
    with anyio.move_on_after(_GRACE):
        await _until(lambda: process.returncode is not None)
    if signal_group(process.pid, signal.SIGTERM):
        with anyio.move_on_after(_GRACE):
            await _until(lambda: not signal_group(process.pid, 0))
        signal_group(process.pid, signal.SIGKILL)
    with anyio.move_on_after(_GRACE):
        await _until(lambda: process.returncode is not None)
    # A descendant that left the group may hold the pipes: they are of no more use to us.
    process._transport.close()  # type: ignore[attr-defined] # noqa: SLF001 - no other way
    await anyio.lowlevel.checkpoint()


async def _until(so: Callable[[], bool]) -> None:
    # `process.wait()` would also wait for the pipes, which others may hold.
    while not so():  # noqa: ASYNC110 - nobody tells of the end of a group
        await anyio.sleep(_POLL)
