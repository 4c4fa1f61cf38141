"""An index of a log's files, and what is asked of it: Parquet files in the cache, read by DuckDB.

Each file of a log has one of its own, made when it is first asked for, and again when the file has
changed. Its rows are in the order of runs, so that the rows of one run lie together and are found
by the ranges that Parquet keeps; everything else is found by reading a column.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.eventlog import VERSION
from headrace_cli._errors import CommandError
from headrace_cli._logs._reading import MAX_LINE, Problems, opened, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import duckdb

    from headrace_cli._logs._filters import Wanted

__all__ = ["WORTH_IT", "Index", "available"]

WORTH_IT = 32 * 2**20
"""Bytes of a log from which on an index is quicker than reading it."""
_FORM = 1  # of the index's own files
_GROUP = 16_384  # rows that lie together
_COLUMNS = {
    "v": "INTEGER",
    "time": "DOUBLE",
    "kind": "VARCHAR",
    "what": "VARCHAR",
    "agent": "VARCHAR",
    "run": "VARCHAR",
    "key": "JSON",
    "name": "VARCHAR",
    "id": "VARCHAR",
    "cause": "VARCHAR",
    "attempt": "INTEGER",
    "start": "DOUBLE",
    "duration": "DOUBLE",
    "error": "VARCHAR",
    "fault": "VARCHAR",
    "replayed": "BOOLEAN",
    "level": "VARCHAR",
    "usage": "JSON",
    "data": "JSON",
    "cut": "JSON",
}
_SELECT = """
SELECT * EXCLUDE (v, key),
    CASE WHEN key IS NULL OR json_type(key) = 'NULL' THEN CASE WHEN run IS NOT NULL THEN 'null' END
         WHEN json_type(key) = 'VARCHAR' THEN key ->> '$' ELSE key::VARCHAR END AS key,
    v,
    kind || CASE WHEN name IS NULL THEN '' ELSE '.' || replace(name, ':', '.') END AS type,
    TRY_CAST(usage ->> 'input_tokens' AS BIGINT) AS input_tokens,
    TRY_CAST(usage ->> 'output_tokens' AS BIGINT) AS output_tokens,
    TRY_CAST(usage ->> 'cost' AS DOUBLE) AS cost,
    json_type(key) = 'VARCHAR' AS text_key
FROM read_json({source}, format = 'newline_delimited', columns = {columns}, ignore_errors = true,
    maximum_object_size = {most}, auto_detect = false)
WHERE kind IS NOT NULL
ORDER BY run, time
"""
_AGENT = """(agent = ? OR kind IN ('agent', 'action')
    AND (replace(name, ':', '.') = ? OR starts_with(replace(name, ':', '.'), ?)))"""
_SKILL = """(kind = 'skill'
    AND (name = ? OR list_contains(TRY_CAST(data -> 'skills' AS VARCHAR[]), ?)))"""
_ODD = """
FROM {part} SELECT count(*),
    count(*) FILTER (v IS NULL OR v > {version} OR NOT regexp_full_match(kind, '[a-z_]+')
        OR (kind = 'log' AND what = 'lost')),
    count(*) - count(DISTINCT (run, kind, what, id, name, attempt, time))
"""
"""Rows; those of which there is something to say; those that stand twice."""
_INSTALL = "pip install 'headrace[logs]'"


def available() -> bool:
    """Whether DuckDB is installed."""
    from importlib.util import find_spec

    return find_spec("duckdb") is not None


class Index:
    """The index of some files.

    Args:
        files: The files.
        problems: Takes what is wrong with them.

    Raises:
        CommandError: DuckDB is not installed.
    """

    def __init__(self, files: Sequence[Path], problems: Problems) -> None:
        try:
            import duckdb
        except ModuleNotFoundError as error:
            raise CommandError(
                "DuckDB is not installed here, which reads large logs and SQL",
                then=_INSTALL,
            ) from error
        self._problems = problems
        self._errors = duckdb.Error
        self._db = duckdb.connect()
        self._db.execute("SET preserve_insertion_order = false")
        parts = [str(self._part(path)) for path in files]
        self._db.execute(f"CREATE VIEW log AS FROM read_parquet({_texts(parts)})")

    # ------------------------------------------------------------ asking
    def sql(self, query: str) -> duckdb.DuckDBPyConnection:
        """What a query gives.

        Raises:
            CommandError: It is wrong; says where.
        """
        try:
            return self._db.execute(query)
        except self._errors as error:
            raise CommandError("the query cannot be answered", why=str(error)) from None

    def records(self, wanted: Wanted, limit: int | None) -> tuple[list[dict[str, Any]], bool]:
        """The newest records that are wanted, the newest last, and whether there are older ones."""
        where, values = _where(wanted)
        newest = "" if limit is None else f" LIMIT {limit + 1}"
        found = self._db.execute(f"FROM log WHERE {where} ORDER BY time DESC{newest}", values)
        records = list(_records(found))
        return records[:limit][::-1], limit is not None and len(records) > limit

    def priced(self, wanted: Wanted) -> Iterator[dict[str, Any]]:
        """The records that tell of tokens, and those of skills, in the order of time."""
        where, values = _where(wanted)
        asked = f"FROM log WHERE (usage IS NOT NULL OR kind = 'skill') AND {where} ORDER BY time"
        return _records(self._db.execute(asked, values))

    def run(self, begin: str) -> list[dict[str, Any]]:
        """The records of the runs whose ids begin so, in the order of time."""
        above = begin + chr(0x10FFFF)
        found = self._db.execute(
            "SELECT * FROM log WHERE run >= ? AND run < ? ORDER BY run, time", [begin, above]
        )
        return list(_records(found))

    # ------------------------------------------------------------ making
    def _part(self, path: Path) -> Path:
        """The index of a file, made where there is none of what the file is now."""
        from headrace_registry.client import cache_folder

        stat = path.stat()
        named = hashlib.blake2b(str(path.absolute()).encode("utf-8", "surrogateescape"))
        folder = cache_folder() / "logs" / f"{_FORM}-{named.hexdigest()[:24]}"
        part = folder / f"{stat.st_ino}-{stat.st_size}-{stat.st_mtime_ns}.parquet"
        told = part.with_suffix(".json")
        if not (part.exists() and told.exists()):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            wrong = self._make(path, part)
            for old in folder.iterdir():
                if old.stem != part.stem and old.name[0] != ".":
                    old.unlink(missing_ok=True)
            told.write_text(json.dumps(wrong), encoding="ascii")
        for what, (count, places) in json.loads(told.read_text(encoding="ascii")).items():
            self._problems.add(what, places, count)
        return part

    def _make(self, path: Path, part: Path) -> dict[str, tuple[int, str]]:
        beside = part.with_name(f".{part.name}")
        try:
            self._copy(path, beside)
            sound = self._sound(path, beside)
        except (self._errors, OSError, EOFError):
            sound = False
        # What is wrong is told line by line, by reading it so.
        found = {} if sound else self._cleaned(path, beside)
        beside.replace(part)
        return found

    def _sound(self, path: Path, part: Path) -> bool:
        """Whether each line has become a row, and there is nothing to be said of any."""
        row = self._db.execute(_ODD.format(part=_text(str(part)), version=VERSION)).fetchone()
        return row == (_lines(path), 0, 0)

    def _copy(self, path: Path, part: Path) -> None:
        columns = "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in _COLUMNS.items()) + "}"
        select = _SELECT.format(source=_text(str(path)), columns=columns, most=MAX_LINE)
        self._db.execute(
            f"COPY ({select}) TO {_text(str(part))} "
            f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_GROUP})"
        )

    def _cleaned(self, path: Path, part: Path) -> dict[str, tuple[int, str]]:
        """The same of the lines of a file that can be read; gives what is wrong with the others."""
        problems = Problems()
        with tempfile.NamedTemporaryFile(suffix=".jsonl") as clean:
            for _, line in read([path], problems):
                clean.write(line)
            clean.flush()
            self._copy(Path(clean.name), part)
        return problems.told()


def _lines(path: Path) -> int:
    """How many lines a file has; one that is cut off counts."""
    count, last = 0, b"\n"
    with opened(path) as file:
        while block := file.read(1 << 20):
            count += block.count(b"\n")
            last = block[-1:]
    return count + (last != b"\n")


def _records(found: duckdb.DuckDBPyConnection) -> Iterator[dict[str, Any]]:
    """Rows as the records that they were made of."""
    names = [column[0] for column in found.description or ()]
    while rows := found.fetchmany(4096):
        for row in rows:
            one = dict(zip(names, row, strict=True))
            text_key = one.pop("text_key")
            for made in ("type", "input_tokens", "output_tokens", "cost"):
                one.pop(made)
            record = {name: one[name] for name in _COLUMNS if one.get(name) is not None}
            if "key" in record and not text_key:
                record["key"] = json.loads(record["key"])
            for name in ("usage", "data", "cut"):
                if name in record:
                    record[name] = json.loads(record[name])
            yield record


def _where(wanted: Wanted) -> tuple[str, list[Any]]:
    """What is wanted, as a condition and its values; ``Wanted.has`` says the same."""
    parts, values = ["TRUE"], list[Any]()

    def any_of(conditions: Iterable[tuple[str, list[Any]]]) -> None:
        told = list(conditions)
        if told:
            parts.append("(" + " OR ".join(condition for condition, _ in told) + ")")
            for _, some in told:
                values.extend(some)

    any_of(("starts_with(run, ?)", [run]) for run in wanted.runs)
    any_of(("key = ?", [key]) for key in wanted.keys)
    any_of(("(type = ? OR starts_with(type, ?))", [one, f"{one}."]) for one in wanted.types)
    any_of((_AGENT, [one, one, f"{one}."]) for one in wanted.agents)
    any_of((_SKILL, [one, one]) for one in wanted.skills)
    any_of(("fault = ?", [one]) for one in wanted.faults)
    if wanted.failed:
        parts.append("error IS NOT NULL")
    if wanted.error:
        parts.append("contains(lower(error), ?)")
        values.append(wanted.error.lower())
    if wanted.since is not None:
        parts.append("time >= ?")
        values.append(wanted.since)
    if wanted.until is not None:
        parts.append("time < ?")
        values.append(wanted.until)
    return " AND ".join(parts), values


def _text(text: str) -> str:
    """A text in SQL."""
    return "'" + text.replace("'", "''") + "'"


def _texts(texts: Iterable[str]) -> str:
    return "[" + ", ".join(map(_text, texts)) + "]"
