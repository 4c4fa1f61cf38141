"""The outbox from outside of a job: which effects wait, and doing what a job has left."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.errors import StateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.operator import Effect
    from headrace.plan import AgentPlan

__all__ = ["finish", "left_by", "waiting_in"]


def waiting_in(state: Path) -> list[Effect]:
    """The effects that a state file of the local engine holds, in order.

    Raises:
        StateError: It is no state file, or a job uses it.
    """
    import json

    from headrace.operator import Effect

    try:
        with closing(sqlite3.connect(f"{state.resolve().as_uri()}?mode=ro", uri=True)) as db:
            rows = db.execute("SELECT effect FROM effects ORDER BY number").fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return []  # of a job that never held one back
        raise StateError(
            f"the state file {state} cannot be read: {error}. A job that runs has it for itself"
        ) from error
    except sqlite3.DatabaseError as error:
        raise StateError(f"{state} is not a state file of headrace ({error})") from error
    return [Effect.read(json.loads(stored)) for (stored,) in rows]


def left_by(plan: AgentPlan, checkpoints: str) -> list[Effect]:
    """The effects that a job on Flink has left at the end of its inputs, in order of each key.

    Args:
        plan: The agent.
        checkpoints: The job's ``execution.checkpointing.dir``: a folder, or its ``file:`` URI.

    Raises:
        StateError: That is no place which can be looked into.
    """
    from headrace.flink._left import Left

    return Left(_folder(plan, checkpoints)).read()


def finish(
    plan: AgentPlan, checkpoints: str, letter: Callable[[dict[str, Any]], None]
) -> tuple[int, int]:
    """Does what a job on Flink has left. It must not run meanwhile: it would do the same.

    Args:
        plan: The agent.
        checkpoints: As for ``left_by``.
        letter: Takes the dead letters of effects that are given up.

    Returns:
        How many effects were done, and how many given up.

    Raises:
        StateError: That is no place which can be looked into.
    """
    from headrace.flink._left import do_left

    return do_left(plan, _folder(plan, checkpoints), letter)


def _folder(plan: AgentPlan, checkpoints: str) -> str:
    from headrace.flink._covered import marks_folder
    from headrace.flink._left import left_folder

    place = (
        checkpoints
        if "://" in checkpoints or checkpoints.startswith("file:")
        else (Path(checkpoints).resolve().as_uri())
    )
    marks = marks_folder({"execution.checkpointing.dir": place}, plan.identity)
    if marks is None:
        raise StateError(
            f"{checkpoints} is no folder of this machine: what a job leaves is kept only where "
            "workers see checkpoints as files"
        )
    return left_folder(marks)
