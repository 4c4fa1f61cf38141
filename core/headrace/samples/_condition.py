"""The condition that runs fit which are put aside: CEL on what came in and what left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace._cel import compile_cel
from headrace.errors import ConditionError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["condition"]

_NAMES = ("input", "outputs", "key", "agent")


def condition(source: str) -> Callable[[dict[str, Any]], bool]:
    """A test of ``input``, ``outputs``, ``key`` and ``agent``.

    Raises:
        ValueError: The expression cannot be read, or uses something else.
        ConditionError: When the test is called: it cannot be answered.
    """
    from headrace.conditions import CEL_TYPES, free_variables

    variables, evaluate = compile_cel(source)
    if unknown := sorted({*free_variables(variables, source)} - {*_NAMES} - CEL_TYPES):
        raise ValueError(f"it uses {', '.join(unknown)}; it knows only {', '.join(_NAMES)}")

    def test(values: dict[str, Any]) -> bool:
        try:
            result = evaluate(values)
        except Exception as error:
            raise ConditionError(
                f"the condition {source!r} cannot be answered: {type(error).__name__}: {error}"
            ) from error
        if not isinstance(result, bool):
            raise ConditionError(f"the condition {source!r} gave {result!r}, not true or false")
        return result

    return test
