"""The action store: its settings, and what it asks the server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headrace.action_stores import ActionStore, KeptRun
from headrace.errors import ResourceError
from headrace.providers import variable_faults
from headrace.values import digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.action_stores import CallRecord
    from headrace_actions_redis._server import Server

__all__ = ["RedisActionStore"]

_PREFIX = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_DURABILITY = ("disk", "file", "none")
_LONGEST = 3600.0
_AT_A_TIME = 500
_APPEND = """
local now = redis.call('TIME')
for at = 1, #ARGV, 3 do
    redis.call('RPUSH', KEYS[1] .. ARGV[at], ARGV[at + 2])
    redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1] .. ' ' .. now[1])
end
return #ARGV
"""
_FORGET = """
for at = 1, #ARGV do
    redis.call('DEL', KEYS[1] .. ARGV[at])
    redis.call('HDEL', KEYS[2], ARGV[at])
end
return #ARGV
"""


class RedisActionStore(ActionStore):
    """Keeps entries in Redis: a list for each run, and a hash of the runs of a job.

    All keys of a job are in one slot, so that a cluster takes them, and a group of entries is one
    script, which Redis does whole.

    What Redis forgets is made again, so a server is refused that would forget: one without an
    append-only file, or that drops keys when its memory is full (``maxmemory-policy``).

    Args:
        url_env: The name of the environment variable with the address,
            ``redis://user:password@host:6379/0`` (``rediss`` for TLS).
        prefix: What its keys begin with.
        durability: What ``append`` waits for. ``file``: the server has written its append-only
            file, so entries survive the server's process; its machine may lose the last second,
            or nothing with ``appendfsync always``. ``disk``: they are on the server's disk, which
            needs Redis 7.2 or ``appendfsync always``. ``none``: nothing; a server that keeps its
            data in memory alone will do, and a restart of it loses them.
        timeout: Seconds that an answer may take.

    Raises:
        ResourceError: Arguments are wrong; the text names all that are.
    """

    def __init__(
        self,
        *,
        url_env: str = "REDIS_URL",
        prefix: str = "headrace",
        durability: str = "file",
        timeout: float = 10.0,
    ) -> None:
        self._url_env = url_env
        self._prefix = prefix
        self._durability = durability
        self._timeout = timeout
        self._server: Server | None = None
        if faults := self._faults():
            raise ResourceError("the action store cannot be set up: " + "; ".join(faults))

    async def open(self) -> None:
        """Reads the address, and sees what the server promises.

        Raises:
            ResourceError: The variable holds nothing usable, or the server would forget.
            ActionStoreError: The server cannot be reached.
        """
        from headrace_actions_redis._server import Server

        server = Server(self._url_env, self._durability, self._timeout)
        try:
            await server.open()
        except BaseException:
            await server.close()
            raise
        self._server = server

    async def close(self) -> None:
        """Closes all connections."""
        server, self._server = self._server, None
        if server is not None:
            await server.close()

    async def append(self, job: str, records: Sequence[CallRecord]) -> None:
        """Keeps entries, all or none, and waits for what ``durability`` says."""
        if not records:
            return
        values = [part for one in records for part in (one.run, one.part, one.data)]
        await self._opened.write(_APPEND, self._keys(job), values)

    async def runs(self, job: str, parts: Sequence[int]) -> Sequence[KeptRun]:
        """The runs that there are entries of."""
        wanted = frozenset(parts)
        found = []
        async for run, value in self._opened.items(self._keys(job)[1]):
            part, _, written = value.partition(" ")
            if int(part) in wanted:
                found.append(KeptRun(int(part), run, float(written)))
        return found

    async def read(self, job: str, run: str) -> Sequence[str]:
        """The entries of a run."""
        return await self._opened.items_of(self._keys(job)[0] + run)

    async def forget(self, job: str, runs: Sequence[str]) -> None:
        """Drops the entries of some runs."""
        for start in range(0, len(runs), _AT_A_TIME):
            values = [*runs[start : start + _AT_A_TIME]]
            await self._opened.write(_FORGET, self._keys(job), values, lasting=False)

    def _keys(self, job: str) -> list[str]:
        slot = f"{self._prefix}:{{{digest(job)[:32]}}}"  # names of jobs may hold anything
        return [f"{slot}:run:", f"{slot}:runs"]

    @property
    def _opened(self) -> Server:
        if self._server is None:
            raise ResourceError("the action store is not open")
        return self._server

    def _faults(self) -> list[str]:
        faults = variable_faults({"url_env": self._url_env})
        if not isinstance(self._prefix, str) or not _PREFIX.fullmatch(self._prefix):
            faults.append(
                f"prefix must be 1 to 64 letters, digits, _, ., : and -, not {self._prefix!r:.60}"
            )
        if self._durability not in _DURABILITY:
            faults.append(
                f"durability must be one of {', '.join(_DURABILITY)}, not {self._durability!r:.60}"
            )
        if not isinstance(self._timeout, (int, float)) or not 0 < self._timeout <= _LONGEST:
            faults.append(f"timeout must be seconds, up to {_LONGEST:g}, not {self._timeout!r:.60}")
        return faults
