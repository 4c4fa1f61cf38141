"""The action stores that a struck job may have, and what strikes their servers."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.redis_server import PASSWORD, RedisServer

from .network import WAYS, Link

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["OF_STORES", "STORES", "Store"]

OF_STORES = ("store_killed", *(f"store_{way}" for way in WAYS))
"""How the server of a store is struck: it is killed, or the network to it is."""
_VARIABLE = "CHAOS_STORE"


class Store:
    """An action store.

    Args:
        name: Its plugin's.
        arguments: Its own.
        link: The link to its server; ``None``: it has none.
        kill: Kills its server, and starts it again.
        environment: The variables that its clients need.
    """

    def __init__(
        self,
        name: str,
        arguments: dict[str, Any],
        link: Link | None = None,
        kill: Callable[[float], None] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.used = {"name": name, "arguments": arguments}
        """For the agent."""
        self.requires = () if link is None else (f"headrace-actions-{name}",)
        """For the job's project."""
        self.strikes = OF_STORES if link is not None else ()
        self.environment = environment or {}
        self._link = link
        self._kill = kill

    def strike(self, what: str, seconds: float) -> None:
        """Strikes its server, and mends it after a time."""
        assert self._link is not None
        assert self._kill is not None
        if what == "store_killed":
            self._kill(seconds)
            return
        self._link.be(what.removeprefix("store_"))  # type: ignore[arg-type]
        time.sleep(seconds)
        self._link.be("open")


@contextmanager
def sqlite(folder: Path) -> Iterator[Store]:
    """A file in a folder."""
    yield Store("sqlite", {"path": str(folder / "calls.db")})


@contextmanager
def postgres(_folder: Path) -> Iterator[Store]:
    """A PostgreSQL server, reached through a link."""
    from tests.postgres import Postgres

    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hr-pg-")))
        home.chmod(0o755)
        server = Postgres(home)
        stack.callback(server.end)
        link = stack.enter_context(Link(str(server.socket)))
        dsn = f"host=127.0.0.1 port={link.port} dbname=postgres user=postgres"
        said = stack.enter_context(_said(dsn))

        def kill(seconds: float) -> None:
            server.kill()
            time.sleep(seconds)
            server.start()

        arguments = {"dsn_env": _VARIABLE, "connect_timeout": 2, "statement_timeout": 2}
        yield Store("postgres", arguments, link, kill, said)


@contextmanager
def redis(_folder: Path) -> Iterator[Store]:
    """A Redis server with an append-only file, reached through a link."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hr-re-")))
        server = RedisServer(home, "--appendonly", "yes")
        server.start()
        stack.callback(server.kill)
        link = stack.enter_context(Link(str(home / "socket")))
        url = f"redis://:{quote(PASSWORD, safe='')}@127.0.0.1:{link.port}/0"
        said = stack.enter_context(_said(url))

        def kill(seconds: float) -> None:
            server.kill()
            time.sleep(seconds)
            server.start()

        yield Store("redis", {"url_env": _VARIABLE, "timeout": 2}, link, kill, said)


@contextmanager
def _said(address: str) -> Iterator[Mapping[str, str]]:
    """The variable of processes that are started meanwhile; a cluster has to be given it."""
    os.environ[_VARIABLE] = address
    try:
        yield {_VARIABLE: address}
    finally:
        del os.environ[_VARIABLE]


STORES = {"sqlite": sqlite, "postgres": postgres, "redis": redis}
"""By name: opens one for a job that has a folder."""
