"""A sample, made of what was told of a run: bounded, without secrets; one pure thing."""

from __future__ import annotations

import json
import marshal
import os
from typing import TYPE_CHECKING, Any, Final

from headrace.errors import ConditionError
from headrace.eventlog._lines import ENDED, TOLD, LineMaker, key_text
from headrace.eventlog._opening import secret_variables
from headrace.eventlog._values import Limits, Shower
from headrace.recording._plain import plain
from headrace.samples._condition import condition
from headrace.samples._verdicts import fed
from headrace.secret_names import secret_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from headrace.eventlog._lines import Parcel
    from headrace.plan import AgentPlan
    from headrace.samples._pump import Drawn

__all__ = ["VERSION", "Maker"]

VERSION: Final = 1
"""The version of a sample's form. It changes when a field changes its meaning or goes."""
_ITEMS, _DEPTH = 1000, 50
_VALUE, _DATA = 3, 11  # where in a parcel the input stands, and in what was told its data
_OF_ALL = ("v", "agent", "run", "key")  # what each record has, and the sample says once


class Maker:
    """Makes samples.

    Args:
        plan: The agent.
    """

    def __init__(self, plan: AgentPlan) -> None:
        said = plan.config.samples
        limits = Limits(said.max_text, _ITEMS, _DEPTH, said.max_size)
        shower = Shower((*said.redact, *plan.config.log.redact), _secrets(plan))
        self._lines = LineMaker(plan.name, plan.identity, limits, limits, shower)
        self._most = said.max_size
        self._test: Callable[[dict[str, Any]], bool] | None = None
        if said.when is not None:
            self._test = condition(said.when)
        self._about = {
            "job": plan.identity,
            "agent": plan.name,
            "plan": plan.digest,
            "versions": plan.distributions,
        }
        self.fault = ""
        """Why the last run does not fit; empty where nothing went wrong."""

    def make(self, drawn: Drawn) -> dict[str, Any] | None:
        """The sample of a run; ``None``: it does not fit, or brought a verdict."""
        self.fault = ""
        parcels = [marshal.loads(piece) for piece in drawn.pieces]  # noqa: S302 - ours
        came, outputs = _of_run(parcels[-1])
        if fed(came) or (self._test is not None and not self._fits(drawn, came, outputs)):
            return None
        lines = [line for parcel in parcels for line in self._lines.lines(parcel)]
        records = [json.loads(line) for line in lines]
        run = records.pop()
        data, cut = run.get("data", {}), run.get("cut", {})
        for one in records:
            for name in _OF_ALL:
                one.pop(name, None)
        kept, size = list[dict[str, Any]](), len(lines[-1])
        for one, line in zip(records, lines, strict=False):
            size += len(line)
            if size > self._most:
                cut["records"] = len(records) - len(kept)
                break
            kept.append(one)
        sample = {
            "v": VERSION,
            "id": drawn.run,
            **self._about,
            "key": json.loads(key_text(drawn.key_id)),
            "key_id": drawn.key_id,
            "time": run["time"],
            "duration": run["duration"],
            "models": _models(records),
            "usage": _usage(records),
            "input": data.get("input"),
            "outputs": data.get("outputs", []),
            "records": kept,
        }
        return {**sample, "cut": cut} if cut else sample

    def _fits(self, drawn: Drawn, came: Any, outputs: list[Any]) -> bool:
        assert self._test is not None  # noqa: S101 - asked by the caller
        values = {
            "input": plain(came),
            "outputs": plain(outputs),
            "key": json.loads(key_text(drawn.key_id)),
            "agent": self._about["agent"],
        }
        try:
            return self._test(values)
        except ConditionError as error:
            self.fault = str(error)
            return False


def _of_run(parcel: Parcel) -> tuple[Any, list[Any]]:
    """What came in and what left, of the last that was told of a run."""
    if len(parcel) > ENDED:
        return parcel[_VALUE], parcel[ENDED + 3]
    data = marshal.loads(parcel[TOLD][-1])[_DATA]  # noqa: S302 - ours
    return data["input"], data["outputs"]


def _secrets(plan: AgentPlan) -> list[str]:
    """What the environment holds that is secret by its name, or as the plan or the zip says."""
    named = secret_variables(plan)
    return [
        value
        for name, value in os.environ.items()
        if value and (name in named or secret_name(name.lower()))
    ]


def _models(records: Iterable[dict[str, Any]]) -> list[str]:
    """The models that answered: as they name themselves, else as the agent names them."""
    found = set()
    for one in records:
        if one["kind"] == "model":
            named = one.get("data", {}).get("model")
            found.add(named if type(named) is str and named else one.get("name", ""))
    return sorted(found)


def _usage(records: Iterable[dict[str, Any]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for one in records:
        for name, count in one.get("usage", {}).items():
            if type(count) in (int, float):
                total[name] = total.get(name, 0) + count
    return total
