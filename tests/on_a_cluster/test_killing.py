"""What counts as a call that was made again though a checkpoint held it."""

from __future__ import annotations

import pytest

from .killing import Kill, made_again
from .numbered import Call

KILL = Kill("worker", 10, at=6.0, begun=4.0, covered=3.0, executions={"A"})


def call(at, execution, number=1):
    return Call("first", number, at, execution)


ALIVE = call(5.0, "A", number=2)
"""The first execution lived until after the checkpoint."""


@pytest.mark.parametrize(
    ("calls", "found"),
    [
        ([call(1.0, "A"), ALIVE, call(7.0, "B")], [("first", 1)]),
        ([call(1.0, "A"), ALIVE], []),
        ([call(3.5, "A"), ALIVE, call(7.0, "B")], []),
        ([call(1.0, "A"), call(7.0, "B")], []),
        ([call(1.0, "A"), ALIVE, call(6.1, "A")], []),
    ],
    ids=[
        "held, and made again",
        "held, and not made again",
        "after the checkpoint was begun",
        "by an execution that did not live to see it",
        "by the execution that was killed, in its last moment",
    ],
)
def test_a_call_was_made_again_though_it_was_held(calls, found):
    assert made_again(calls, [KILL]) == found
