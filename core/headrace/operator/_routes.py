"""The ways between the members of a team."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace._cel import compile_cel
from headrace.errors import ConditionError
from headrace.values import decode, to_jsonable

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from headrace.plan import Route
    from headrace.values import Stored

__all__ = ["Routes"]

Way = tuple[str, "str | None"]


class Routes:
    """A team's routes, ready to be asked."""

    def __init__(self, routes: tuple[Route, ...]) -> None:
        self._routes: dict[str, list[tuple[Route, Callable[[dict[str, Any]], Any] | None]]] = {}
        for route in routes:
            test = None if route.when is None else compile_cel(route.when)[1]
            self._routes.setdefault(route.source, []).append((route, test))

    def targets(
        self, member: str, output: Stored, key: Any, rounds: Counter[Way]
    ) -> list[str | None]:
        """Where an output goes: by every route that holds; where none does, out of the team.

        Args:
            member: Whose output it is.
            output: The output, in stored form.
            key: The key of the run.
            rounds: How often the run went each way; counted on.

        Raises:
            ConditionError: A condition failed.
        """
        found = []
        values: dict[str, Any] | None = None
        for route, test in self._routes.get(member, ()):
            way = (member, route.to)
            if test is not None:
                if values is None:
                    values = {"output": to_jsonable(decode(output)), "key": to_jsonable(key)}
                if not _holds(route, test, {**values, "rounds": rounds[way]}):
                    continue
            if route.to not in found:
                found.append(route.to)
                rounds[way] += 1
        return found or [None]


def _holds(route: Route, test: Callable[[dict[str, Any]], Any], values: dict[str, Any]) -> bool:
    where = f"the condition {route.when!r} of the route from {route.source!r}"
    try:
        result = test(values)
    except Exception as error:
        raise ConditionError(f"{where} failed: {type(error).__name__}: {error}") from error
    if not isinstance(result, bool):
        raise ConditionError(f"{where} gave {result!r}, not true or false")
    return result
