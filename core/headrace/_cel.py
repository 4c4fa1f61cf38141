"""CEL by the library that this Python has: one in Rust, on Python 3.10 one in Python."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["compile_cel"]


def compile_cel(source: str) -> tuple[list[str], Callable[[dict[str, Any]], Any]]:
    """The variables of an expression, and a function that evaluates it.

    Raises:
        ValueError: The expression cannot be read.
    """
    return (_rust if sys.version_info >= (3, 11) else _python)(source)


def _rust(source: str) -> tuple[list[str], Callable[[dict[str, Any]], Any]]:
    import cel

    program = cel.compile(source)
    return program.variables(), program.execute


def _python(source: str) -> tuple[list[str], Callable[[dict[str, Any]], Any]]:
    import celpy

    environment = celpy.Environment()
    try:
        tree = environment.compile(source)
    except celpy.CELParseError as error:
        raise ValueError(str(error)) from None
    program = environment.program(tree)
    names = sorted({str(node.children[0]) for node in tree.find_data("ident")})

    def evaluate(values: dict[str, Any]) -> Any:
        result = program.evaluate(
            {name: celpy.json_to_cel(value) for name, value in values.items()}
        )
        return bool(result) if isinstance(result, celpy.celtypes.BoolType) else result

    return names, evaluate
