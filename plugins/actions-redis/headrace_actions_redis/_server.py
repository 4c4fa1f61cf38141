"""The connections to the server, what it promises, and its failures as ours."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

import redis.asyncio
from redis.exceptions import (
    BusyLoadingError,
    ClusterDownError,
    ConnectionError,  # noqa: A004 - the client's own
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,  # noqa: A004
    TryAgainError,
)

from headrace.action_stores import ActionStoreError
from headrace.errors import HeadraceError, ResourceError
from headrace.providers import Secrets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Sequence

__all__ = ["Server"]

T = TypeVar("T")

_WITH_WAITAOF = (7, 2)
_UNWRITTEN = "aof_buffer_length"
"""Bytes that the server has not written to its file yet, of all its clients."""
_LOOKS = (0.001, 0.1)
"""Seconds between two looks at whether the file is written: at first, and at most."""
_KEEPING = ("noeviction", "volatile-")
"""Policies that drop no key that has no time to live; ours have none."""
_PASSING = (
    ConnectionError,
    TimeoutError,
    BusyLoadingError,
    ReadOnlyError,
    OutOfMemoryError,
    ClusterDownError,
    MasterDownError,
    TryAgainError,
)
_PASSING_CODES = ("MISCONF", "NOREPLICAS", "OOM")


class Server:
    """A client that is shared by many runs.

    No failure carries the client's own error, which may know the password.

    Args:
        url_env: The environment variable with the address.
        durability: What writing waits for.
        timeout: Seconds that an answer may take.

    Raises:
        ResourceError: The variable is not set, or holds no address.
    """

    def __init__(self, url_env: str, durability: str, timeout: float) -> None:
        url = os.environ.get(url_env, "").strip()
        if not url:
            raise ResourceError(
                "the action store needs an address that this worker does not have: set the "
                f"environment variable {url_env}"
            )
        self._where = url_env
        self._durability = durability
        self._milliseconds = round(timeout * 1000)
        self._waits_for_disk = self._waits_for_file = False
        failure = ""
        try:
            password = urlsplit(url).password or ""
            self._secrets = Secrets((url, password, unquote(password)))
            self._client = redis.asyncio.Redis.from_url(
                url,
                socket_timeout=timeout,
                socket_connect_timeout=timeout,
                decode_responses=True,
                retry_on_timeout=False,
            )
        except ValueError:  # its text has the address
            failure = (
                f"the environment variable {url_env} holds no address of Redis: "
                "redis://user:password@host:6379/0"
            )
        if failure:
            raise ResourceError(failure)

    async def open(self) -> None:
        """Sees that the server is there, and keeps what it is given.

        Raises:
            ResourceError: It would forget.
            ActionStoreError: It cannot be reached.
        """
        await self._told(self._check())

    async def close(self) -> None:
        """Closes all connections."""
        await self._client.aclose()

    async def write(
        self, script: str, keys: Sequence[str], values: Sequence[Any], *, lasting: bool = True
    ) -> None:
        """Runs a script that writes.

        Args:
            script: In Lua.
            keys: The keys that it is about.
            values: Its values.
            lasting: Whether to wait for the disk, where the store is to.
        """
        await self._told(self._write(script, keys, values, lasting=lasting))

    async def items(self, key: str) -> AsyncIterator[tuple[str, str]]:
        """The fields of a hash, each at least once."""
        cursor = 0
        seen: set[str] = set()
        while True:
            cursor, some = await self._told(self._client.hscan(key, cursor, count=1000))
            for name in some.keys() - seen:
                seen.add(name)
                yield name, some[name]
            if not cursor:
                return

    async def items_of(self, key: str) -> list[str]:
        """The items of a list, in order."""
        items: list[str] = await self._told(self._client.lrange(key, 0, -1))
        return items

    async def _write(
        self, script: str, keys: Sequence[str], values: Sequence[Any], *, lasting: bool
    ) -> None:
        # One connection for both: WAITAOF is about what was written on its own.
        async with self._client.client() as one:
            await one.eval(script, len(keys), *keys, *values)
            if not lasting:
                return
            if self._waits_for_disk:
                answer = await one.execute_command("WAITAOF", 1, 0, self._milliseconds)
                if answer[0] < 1:
                    raise TimeoutError("the entries are not on the server's disk yet")
            elif self._waits_for_file:
                await self._written(one)

    async def _written(self, one: redis.asyncio.Redis) -> None:
        """Waits until the append-only file has what was written before.

        With ``appendfsync everysec`` the server answers before it writes its file, while it waits
        for its disk, and where the disk is full: ``flushAppendOnlyFile`` in its ``aof.c``. What
        has come since from others is not told apart from ours. But a server that waits for no disk,
        and has not failed, writes all before it gives the next answer.
        """
        deadline = asyncio.get_running_loop().time() + self._milliseconds / 1000
        wait, longest = _LOOKS
        writes = False
        while True:
            now: dict[str, Any] = await one.info("persistence")
            failed = now["aof_last_write_status"] != "ok"
            if not int(now[_UNWRITTEN]) or (writes and not failed):
                return
            writes = not (failed or int(now["aof_pending_bio_fsync"]))
            if writes:
                continue
            if asyncio.get_running_loop().time() > deadline:
                raise TimeoutError("the entries are not in the server's append-only file yet")
            await asyncio.sleep(wait)
            wait = min(wait * 2, longest)

    async def _check(self) -> None:
        info: dict[str, Any] = {}
        refused = ""
        try:
            info = await self._client.info("server")
        except ResponseError as error:
            refused = self._secrets.hide(str(error))
        if refused:
            raise ResourceError(
                f"Redis ({self._where}) does not tell what it keeps: {refused}. "
                "Let its user use INFO"
            )
        version = tuple(int(part) for part in str(info["redis_version"]).split(".")[:2])
        if self._durability == "none":
            return
        kept: dict[str, Any] = await self._client.info("persistence")
        if int(kept.get("loading", 0)):
            raise BusyLoadingError("it reads what it keeps, and says of itself what is not so yet")
        if not int(kept.get("aof_enabled", 0)):
            raise ResourceError(
                f"Redis ({self._where}) has no append-only file: a restart would lose finished "
                "calls, and they would be made again. Set `appendonly yes` there, or say "
                'durability="none" in so many words'
            )
        memory: dict[str, Any] = await self._client.info("memory")
        policy = str(memory.get("maxmemory_policy", "noeviction"))
        if int(memory.get("maxmemory", 0)) and not policy.startswith(_KEEPING):
            raise ResourceError(
                f"Redis ({self._where}) drops keys when its memory is full (maxmemory-policy "
                f"{policy}): set noeviction there, or give the store a server of its own"
            )
        self._waits_for_file = self._durability == "file"
        if self._waits_for_file and _UNWRITTEN not in kept:
            raise ResourceError(
                f"Redis ({self._where}) does not tell what it has not written yet ({_UNWRITTEN} in "
                'INFO), as Redis and Valkey do: say durability="disk" or "none"'
            )
        if self._durability == "disk":
            self._waits_for_disk = version >= _WITH_WAITAOF
            if not self._waits_for_disk and await self._setting("appendfsync") != "always":
                raise ResourceError(
                    f"Redis ({self._where}) is {'.'.join(map(str, version))}, which cannot be "
                    'asked to wait for its disk: durability="disk" needs `appendfsync always` '
                    "there, or Redis 7.2"
                )

    async def _setting(self, name: str) -> str:
        try:
            return str((await self._client.config_get(name)).get(name, ""))
        except ResponseError:  # hosted servers forbid it
            return ""

    async def _told(self, work: Awaitable[T]) -> T:
        """Gives what it gives; the client's failures become ours, outside of ``except``."""
        try:
            return await work
        except RedisError as error:
            failure = self._failure(error)
        raise failure

    def _failure(self, error: RedisError) -> HeadraceError:
        text = self._secrets.hide(" ".join(str(error).split()) or type(error).__name__)
        passing = isinstance(error, _PASSING) or text.startswith(_PASSING_CODES)
        # Who has a wrong password is told of a broken connection, and may have the right one soon.
        kind = ActionStoreError if passing else ResourceError
        return kind(f"Redis ({self._where}): {text}")
