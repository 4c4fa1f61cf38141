"""SQLite with the functions of sqlite-vec."""

from __future__ import annotations

import ctypes
import sqlite3
import threading

from headrace.errors import ResourceError

__all__ = ["connect"]

_REGISTERING = threading.Lock()
_WHAT_TO_DO = (
    "use a Python whose sqlite3 can load extensions (Debian's, the official container images', "
    "conda's, uv's; or one that was built with --enable-loadable-sqlite-extensions), or another "
    "vector store, such as pgvector"
)


def connect(path: str, timeout: float) -> sqlite3.Connection:
    """A connection that knows sqlite-vec's functions; transactions are begun by hand.

    Args:
        path: The file, or ``:memory:``.
        timeout: Seconds to wait for a lock.

    Raises:
        ResourceError: This Python's SQLite takes no extension, or not this one.
        sqlite3.Error: The file cannot be opened.
    """
    import sqlite_vec  # type: ignore[import-untyped]

    library = sqlite_vec.loadable_path()
    if not hasattr(sqlite3.Connection, "enable_load_extension"):
        return _connect_registered(path, timeout, f"{library}.so")
    connection = sqlite3.connect(path, timeout=timeout, isolation_level=None)
    try:
        connection.enable_load_extension(True)
        connection.load_extension(library)
        connection.enable_load_extension(False)
    except (sqlite3.Error, AttributeError) as error:
        connection.close()
        raise ResourceError(f"SQLite did not load sqlite-vec ({error}): {_WHAT_TO_DO}") from error
    return connection


def _connect_registered(path: str, timeout: float, library: str) -> sqlite3.Connection:
    """The same where Python was built without the method that loads extensions.

    SQLite itself can do it then too, mostly: its interface registers an extension for connections
    that are opened from then on (https://www.sqlite.org/c3ref/auto_extension.html). It is taken
    back at once; what another thread opened in between knows some functions more.
    """
    try:
        sqlite = ctypes.CDLL(_home_of_sqlite())
        entry = ctypes.cast(ctypes.CDLL(library).sqlite3_vec_init, ctypes.c_void_p)
        register, cancel = sqlite.sqlite3_auto_extension, sqlite.sqlite3_cancel_auto_extension
        sqlite.sqlite3_sourceid.restype = ctypes.c_char_p
        source = sqlite.sqlite3_sourceid().decode()
    except (OSError, AttributeError):
        raise ResourceError(f"this Python's sqlite3 loads no extensions: {_WHAT_TO_DO}") from None
    register.argtypes = cancel.argtypes = [ctypes.c_void_p]
    _check_library(source)
    with _REGISTERING:
        register(entry)
        try:
            connection = sqlite3.connect(path, timeout=timeout, isolation_level=None)
        finally:
            cancel(entry)
    return connection


def _home_of_sqlite() -> str | None:
    """The library that holds Python's SQLite; ``None`` where it is Python itself."""
    import _sqlite3

    return getattr(_sqlite3, "__file__", None)


def _check_library(source: str) -> None:
    """Refuses a SQLite that is not the one found, or whose extensions would find no interface."""
    probe = sqlite3.connect(":memory:")
    try:
        [(used, omitted)] = probe.execute(
            "SELECT sqlite_source_id(), sqlite_compileoption_used('OMIT_LOAD_EXTENSION')"
        )
    except sqlite3.Error:  # a SQLite that does not tell how it was built
        used, omitted = "", True
    finally:
        probe.close()
    if omitted or used != source:
        raise ResourceError(f"this Python's SQLite takes no extensions: {_WHAT_TO_DO}")
