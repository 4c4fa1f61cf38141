"""How often Python looks for cycles of objects while a job runs."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from headrace import Agent, AgentPlan, Context, InputEvent, OutputEvent, action
from headrace.errors import JobFailedError
from headrace.local import IterableSource, ListSink, LocalEngine

DEFAULT = (700, 10, 10)


class Looking(Agent):
    """Tells how many objects more Python waits for."""

    @action(InputEvent)
    async def look(self, event: InputEvent, ctx: Context) -> None:
        if event.input == "fail":
            raise ValueError(event.input)
        ctx.send(OutputEvent(output=[gc.isenabled(), *gc.get_threshold()]))


@pytest.fixture(autouse=True)
def as_python_has_it():
    before = gc.get_threshold()
    gc.set_threshold(*DEFAULT)
    yield
    gc.enable()
    gc.set_threshold(*before)


def seen(value="look"):
    outputs = ListSink()
    LocalEngine(AgentPlan.from_agent(Looking()), output=outputs).run(IterableSource([value]))
    [found] = outputs.values
    return found


def test_it_looks_less_often_than_by_default():
    enabled, objects, *_ = seen()

    assert enabled
    assert objects > 10 * DEFAULT[0]


def test_afterwards_it_looks_as_before():
    seen()

    assert gc.get_threshold() == DEFAULT


def test_so_it_does_after_a_failed_job():
    with pytest.raises(JobFailedError):
        seen("fail")

    assert gc.get_threshold() == DEFAULT


def test_what_somebody_has_set_is_left_alone():
    gc.set_threshold(701, 11, 12)

    assert seen() == [True, 701, 11, 12]
    assert gc.get_threshold() == (701, 11, 12)


def test_so_it_is_where_it_is_switched_off():
    gc.disable()

    assert seen() == [False, *DEFAULT]


def test_the_default_is_that_of_python():
    """Else it would take what nobody has set for somebody's setting."""
    code = "import gc; print(gc.get_threshold())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == str(DEFAULT)
