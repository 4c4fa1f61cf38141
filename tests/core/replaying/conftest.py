"""Runs of agents are recorded on the local engine, and run again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from replay_agents import CALLS, RELIES

from headrace import run_local
from headrace.replaying import replay

if TYPE_CHECKING:
    from pathlib import Path

    from headrace.replaying import Report, RunDifference


class Tape:
    """A recording, and replays of it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def record(self, agent: Any, *inputs: Any, **more: Any) -> Any:
        """Runs the inputs, which have one key unless one is given, and forgets what was called."""
        outputs = run_local(
            agent, list(inputs), key=more.pop("key", lambda _: "k"), record=self.path, **more
        )
        CALLS.clear()
        return outputs

    def replay(self, agent: Any, **more: Any) -> Report:
        return replay(self.path, agent, **more)

    def only(self, agent: Any, **more: Any) -> RunDifference:
        """The difference of the only run."""
        [difference] = self.replay(agent, **more).runs
        return difference


@pytest.fixture(autouse=True)
def _anew():
    CALLS.clear()
    RELIES.clear()


@pytest.fixture
def tape(tmp_path) -> Tape:
    return Tape(tmp_path / "runs.jsonl")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each way of ``Desk`` is a case of its own."""
    if "way" in metafunc.fixturenames:
        metafunc.parametrize("way", WAYS)


WAYS = [
    "chat look abc",
    "chat note abc",
    "chat research abc",
    "chat pay abc",
    "chat remote abc",
    "chat nothing abc",
    "parallel",
    "notes",
    "steps",
    "fails",
    "gives_up",
    "raises",
    "cut_off",
    "expires",
    "remember",
    "pay",
    "hides",
    "waits",
    "order",
]
