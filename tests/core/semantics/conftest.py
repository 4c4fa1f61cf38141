"""The engines: one suite, run against each of them from the same source."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from headrace import AgentPlan, JobFailedError
from headrace.local import FileSource, IterableSource, ListSink, LocalEngine
from headrace.values import decode, dumps, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from headrace import Agent, AgentBuilder

__all__ = ["FileSource"]


@dataclass
class Result:
    """What a job gave."""

    outputs: list[Any] = field(default_factory=list)
    dead_letters: list[dict[str, Any]] = field(default_factory=list)

    def of(self, key: str, value: Any) -> list[Any]:
        """The outputs whose field has a value."""
        return [output for output in self.outputs if output.get(key) == value]


class Engine:
    """Runs an agent over inputs."""

    name: str

    def run(
        self,
        agent: Agent | AgentBuilder,
        inputs: Iterable[Any],
        *,
        key: Callable[[Any], Any] | None = None,
    ) -> Result:
        raise NotImplementedError


class Local(Engine):
    def __init__(self, name: str, folder: Path | None) -> None:
        self.name = name
        self._folder = folder
        self._jobs = 0

    def run(self, agent, inputs, *, key=None):
        outputs, letters = ListSink(), ListSink()
        self._jobs += 1
        engine = LocalEngine(
            AgentPlan.from_agent(agent),
            key=key,
            state=None if self._folder is None else self._folder / f"{self._jobs}.db",
            output=outputs,
            dead_letters=letters,
        )
        engine.run(IterableSource(inputs))
        return Result(outputs.values, letters.values)


class Flink(Engine):
    name = "flink"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._jobs = 0

    def run(self, agent, inputs, *, key=None, options=None, parallelism=1):
        from pyflink.common import Types

        from headrace.flink import environment, process
        from headrace.flink._files import _reason, _sink

        self._jobs += 1
        folder = self._folder / str(self._jobs)
        folder.mkdir()
        plan = AgentPlan.from_agent(agent)
        env = environment({"restart-strategy.type": "disable", **(options or {})})
        env.set_parallelism(parallelism)
        lines = [dumps(encode(value)) for value in inputs]
        stream = env.from_collection(lines, Types.STRING())
        streams = process(
            stream, plan, key=key or itself, parse=_read, render=_write, output_type=Types.STRING()
        )
        _sink(streams.output, folder / "output")
        _sink(streams.dead_letters.map(_write, Types.STRING()), folder / "dead")
        try:
            env.execute(plan.name)
        except Exception as error:
            raise JobFailedError(_reason(error)) from error
        return Result(list(_lines(folder / "output")), list(_lines(folder / "dead")))


def itself(value: Any) -> Any:
    return value


def _read(line: str) -> Any:
    return decode(json.loads(line))


def _write(value: Any) -> str:
    return dumps(encode(value))


def _lines(folder: Path) -> Iterable[Any]:
    """The lines of the committed parts, in the order in which they were written."""
    parts = [path for path in folder.rglob("part-*") if path.is_file()]
    parts.sort(key=lambda path: int(re.sub(r"\D", "", path.name.rpartition("-")[2])))
    for part in parts:
        with part.open(encoding="utf-8") as lines:
            for line in lines:
                yield _read(line)


ENGINES = [
    "memory",
    "sqlite",
    pytest.param("flink", marks=[pytest.mark.flink, pytest.mark.slow]),
]


def make(name: str, request: pytest.FixtureRequest) -> Engine:
    factory = request.getfixturevalue("tmp_path_factory")
    if name == "flink":
        request.getfixturevalue("java")
        return Flink(factory.mktemp("flink"))
    return Local(name, factory.mktemp("sqlite") if name == "sqlite" else None)


@pytest.fixture(scope="session", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine in turn."""
    return make(request.param, request)


@pytest.fixture(scope="session", params=ENGINES[:2])
def local(request: pytest.FixtureRequest) -> Engine:
    """The embedded engine, in memory and on SQLite."""
    return make(request.param, request)


@pytest.fixture(scope="session")
def flink(request: pytest.FixtureRequest) -> Flink:
    """The MiniCluster."""
    return make("flink", request)  # type: ignore[return-value]
