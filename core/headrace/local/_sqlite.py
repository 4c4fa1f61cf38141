"""State in a SQLite file: it survives ``kill -9``, and tells the outputs what was written."""

from __future__ import annotations

import json
import sqlite3
from collections import OrderedDict
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from headrace.errors import StateError
from headrace.local._state import Pending, State
from headrace.memory import DELETED, Changes, apply_changes
from headrace.operator import Effect, Names, RunInput
from headrace.values import decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from headrace.values import Stored

__all__ = ["SqliteState"]

_FORMAT = 1
_CACHED_KEYS = 20_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS memory (
    key TEXT NOT NULL, name TEXT NOT NULL, cell TEXT NOT NULL, expires REAL,
    PRIMARY KEY (key, name)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS memory_expires ON memory (expires) WHERE expires IS NOT NULL;
CREATE TABLE IF NOT EXISTS pending (
    sequence INTEGER PRIMARY KEY, key TEXT NOT NULL, input TEXT NOT NULL, timestamp INTEGER,
    journal TEXT);
CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, line TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS effects (number INTEGER PRIMARY KEY, effect TEXT NOT NULL);
"""


class SqliteState(State):
    """The state of a job in one file (write-ahead log, ``synchronous=NORMAL``).

    Outputs pass through an outbox in the same file: they are put there with the run that made them,
    carried to their stream, and taken out together with the stream's new length. After a crash the
    stream is cut to the length that was noted, and what is still in the outbox is written again.

    Args:
        path: The file; made if it is not there.
        job: The job's identity: a file belongs to one job.
        deliver: Writes lines to their streams after they are safe, and gives the streams' lengths.

    Raises:
        StateError: The file is no state of this agent, or another process uses it.
    """

    durable = True

    def __init__(
        self,
        path: Path,
        job: str,
        clock: Callable[[], float],
        deliver: Callable[[list[tuple[str, Any]]], dict[str, int]],
    ) -> None:
        self._path = path
        self._clock = clock
        self._deliver = deliver
        self._cache: OrderedDict[str, dict[str, Stored]] = OrderedDict()
        self._dirty: dict[str, Changes] = {}
        self._new: dict[int, RunInput] = {}
        self._journals: dict[int, Stored] = {}
        self._done: list[int] = []
        self._lines: list[tuple[str, Any]] = []
        self._held: dict[int, Effect] = {}
        self._tried: dict[int, Effect] = {}
        self._ended: list[int] = []
        self._position: Any = None
        self._moved = False
        self._behind = False
        self._names: Names | None = None
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        except sqlite3.OperationalError as error:
            raise StateError(f"the state file {path} cannot be used: {error}") from error
        try:
            self._prepare(path, job)
        except BaseException:
            self._db.close()
            raise
        self._position = self._meta("position")
        self._sequence = int(self._meta("sequence") or 0)

    def _prepare(self, path: Path, job: str) -> None:
        try:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("BEGIN EXCLUSIVE")
            for statement in _SCHEMA.split(";"):
                self._db.execute(statement)
            self._check("format", _FORMAT)
            self._check("agent", job)
            self._db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise StateError(
                    f"the state file {path} is used by another process: stop that one first"
                ) from None
            raise StateError(f"the state file {path} cannot be used: {error}") from error
        except sqlite3.DatabaseError as error:
            raise StateError(
                f"{path} is not a state file of headrace ({error}): name another file"
            ) from error

    # ------------------------------------------------------------ reading
    def cells(self, key_id: str) -> Mapping[str, Stored]:
        """The cells of a key, from the cache or the file."""
        cells = self._cache.get(key_id)
        if cells is None:
            rows = self._db.execute("SELECT name, cell FROM memory WHERE key = ?", (key_id,))
            cells = {_read_name(name): json.loads(cell) for name, cell in rows}
            if key_id in self._dirty:
                apply_changes(cells, self._dirty[key_id])
            self._cache[key_id] = cells
            while len(self._cache) > _CACHED_KEYS:
                self._cache.popitem(last=False)
        else:
            self._cache.move_to_end(key_id)
        return cells

    def pending(self) -> Iterator[Pending]:
        """What an earlier process left unfinished."""
        rows = self._db.execute(
            "SELECT sequence, key, input, timestamp, journal FROM pending ORDER BY sequence"
        ).fetchall()
        for sequence, key, value, timestamp, journal in rows:
            key_id, stored_key, *name = json.loads(key)
            item = RunInput(decode(stored_key), key_id, json.loads(value), sequence, timestamp)
            item.name = name[0] if name else None
            yield Pending(item, None if journal is None else json.loads(journal))

    def effects(self) -> Iterator[Effect]:
        """What an earlier process was to do and has not done, in order."""
        rows = self._db.execute("SELECT number, effect FROM effects ORDER BY number").fetchall()
        for number, stored in rows:
            effect = Effect.read(json.loads(stored))
            effect.number = number
            yield effect

    def names(self, identity: str) -> Names:
        """Gives runs their names; what it knows is in the file."""
        self._names = Names(identity, self._meta("names"))
        return self._names

    def position(self) -> Any:
        """Where the source goes on."""
        return self._position

    @property
    def next_sequence(self) -> int:
        """A number above all that were given."""
        return self._sequence

    def undelivered(self) -> tuple[list[tuple[str, Any]], dict[str, int]]:
        """The outbox, and the lengths of the streams without it."""
        rows = self._db.execute("SELECT stream, line FROM outbox ORDER BY id").fetchall()
        return [(stream, json.loads(line)) for stream, line in rows], self._meta("streams") or {}

    # ------------------------------------------------------------ writing
    def arrived(self, item: RunInput, position: Any) -> None:
        """Notes an input; one whose run ends before the next flush never reaches the file."""
        self._new[item.sequence] = item
        self._position = position
        self._sequence = max(self._sequence, item.sequence + 1)
        self._moved = True

    def moved(self, position: Any) -> None:
        """Notes an input that starts no run."""
        self._position = position
        self._moved = True

    def told(self, lines: list[tuple[str, Any]]) -> None:
        """Takes lines that wait for no commit, with the same flush as their run's journal."""
        self._lines += lines

    def hold(self, effect: Effect) -> None:
        """Takes an effect, with the flush that has its run."""
        self._held[effect.number] = effect

    def changed(self, effect: Effect) -> None:
        """Notes what is known of an effect by now."""
        self._tried[effect.number] = effect

    def drop(self, effect: Effect) -> None:
        """Notes that an effect is over."""
        self._tried.pop(effect.number, None)
        self._ended.append(effect.number)

    def journal(self, item: RunInput, stored: Stored) -> None:
        """Notes the journal of a run."""
        self._journals[item.sequence] = stored

    def commit(self, item: RunInput, changes: Changes, lines: list[tuple[str, Any]]) -> None:
        """Notes what a run did."""
        if changes:
            self._dirty.setdefault(item.key_id, {}).update(changes)
            cells = self._cache.get(item.key_id)
            if cells is not None:
                apply_changes(cells, changes)
        if self._new.pop(item.sequence, None) is None:
            self._done.append(item.sequence)
        self._journals.pop(item.sequence, None)
        self._lines += lines

    def flush(self) -> None:
        """One transaction for all that was noted, and then the lines to their streams."""
        runs = self._dirty or self._done or self._lines or self._journals or self._moved
        if not (runs or self._held or self._tried or self._ended):
            return
        db = self._db
        if self._held:  # what is done to the outside must outlive the machine's power, too
            db.execute("PRAGMA synchronous=FULL")
        with self._transaction():
            self._write_memory()
            db.executemany("DELETE FROM pending WHERE sequence = ?", ((n,) for n in self._done))
            db.executemany(
                "INSERT INTO pending (sequence, key, input, timestamp) VALUES (?, ?, ?, ?)",
                (
                    (
                        item.sequence,
                        json.dumps([item.key_id, encode(item.key), item.named()]),
                        json.dumps(item.value),
                        item.timestamp,
                    )
                    for item in self._new.values()
                ),
            )
            db.executemany(
                "UPDATE pending SET journal = ? WHERE sequence = ?",
                ((json.dumps(stored), number) for number, stored in self._journals.items()),
            )
            self._drop_expired()
            db.executemany(
                "INSERT INTO outbox (stream, line) VALUES (?, ?)",
                ((stream, json.dumps(line)) for stream, line in self._lines),
            )
            self._write_effects()
            if self._moved:
                self._set("position", self._position)
                self._set("sequence", self._sequence)
            if self._names is not None and self._names.changed:
                self._set("names", self._names.stored())
        if self._held:
            db.execute("PRAGMA synchronous=NORMAL")
        self._dirty, self._new, self._journals, self._done = {}, {}, {}, []
        self._held, self._tried, self._ended = {}, {}, []
        lines, self._lines, self._moved = self._lines, [], False
        if lines and not self._behind:
            self._behind = True  # if a stream fails, the outbox stays as it is for the next start
            self.delivered(self._deliver(lines))
            self._behind = False

    def delivered(self, lengths: dict[str, int]) -> None:
        """Notes that the outbox is in its streams, which have these lengths now."""
        with self._transaction():
            self._db.execute("DELETE FROM outbox")
            self._set("streams", lengths)

    def close(self) -> None:
        """Flushes and closes the file."""
        try:
            self.flush()
        finally:
            self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing.

        Raises:
            StateError: The file cannot be written.
        """
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            with suppress(sqlite3.Error):
                if self._db.in_transaction:  # on a full disk SQLite has gone back by itself
                    self._db.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise StateError(
                    f"the state file {self._path} cannot be written: {error}. Nothing is lost: "
                    "make room on its disk, and start the job again"
                ) from error
            raise

    def _write_memory(self) -> None:
        gone, kept = [], []
        for key_id, changes in self._dirty.items():
            for full, cell in changes.items():
                name = _name_kept(full)
                if cell is DELETED:
                    gone.append((key_id, name))
                else:
                    expiring = type(cell) is dict and cell.get("$") == "ttl"
                    kept.append((key_id, name, json.dumps(cell), cell["e"] if expiring else None))
        self._db.executemany("DELETE FROM memory WHERE key = ? AND name = ?", gone)
        self._db.executemany("INSERT OR REPLACE INTO memory VALUES (?, ?, ?, ?)", kept)

    def _write_effects(self) -> None:
        self._db.executemany(
            "INSERT OR REPLACE INTO effects VALUES (?, ?)",
            (
                (effect.number, json.dumps(effect.stored()))
                for effect in (*self._held.values(), *self._tried.values())
            ),
        )
        self._db.executemany("DELETE FROM effects WHERE number = ?", ((n,) for n in self._ended))

    def _drop_expired(self) -> None:
        # But for keys whose runs have recorded calls: run again, they see what they saw.
        self._db.execute(
            "DELETE FROM memory WHERE expires <= ? AND key NOT IN"
            " (SELECT json_extract(key, '$[0]') FROM pending WHERE journal IS NOT NULL)",
            (self._clock(),),
        )

    def _meta(self, name: str) -> Any:
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def _set(self, name: str, value: Any) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, json.dumps(value)))

    def _check(self, name: str, expected: Any) -> None:
        found = self._meta(name)
        if found is None:
            self._set(name, expected)
        elif found != expected:
            raise StateError(
                f"the state file was written for {name} {found!r}, and this is {expected!r}: "
                "name another file, or the agent that it belongs to. Where the agent was renamed, "
                "say so by the setting job"
            )


def _name_kept(name: str) -> str | bytes:
    """A name as SQLite can hold it: lone surrogates are no UTF-8, so such names are bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return name.encode("utf-8", "surrogatepass")
    return name


def _read_name(kept: str | bytes) -> str:
    return kept if isinstance(kept, str) else kept.decode("utf-8", "surrogatepass")
