"""The source of actions, for what can be read from it."""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import dataclass
from typing import Any

__all__ = ["Source", "source_of"]


@dataclass(frozen=True, slots=True)
class Source:
    """A function's source."""

    function: Any
    """The function itself, without what decorators put around it."""
    tree: ast.FunctionDef | ast.AsyncFunctionDef
    """The definition; line numbers are those of its file."""
    context: str
    """The name of the parameter that is the context."""


def source_of(function: Any, context: str | None = None) -> Source | None:
    """The source of a function that is written by ``def``; ``None`` where it is not there.

    Args:
        function: The function.
        context: The parameter that is its context; the last one where ``None``.
    """
    function = inspect.unwrap(function) if callable(function) else function
    try:
        lines, first = inspect.getsourcelines(function)
        tree = _parsed(textwrap.dedent("".join(lines)))
        parameters = list(inspect.signature(function).parameters)
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    definition = tree.body[0] if tree.body else None
    if not parameters or not isinstance(definition, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return None
    ast.increment_lineno(tree, first - 1)
    return Source(function, definition, context or parameters[-1])


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SystemError:
        # CPython 3.11 miscounts where a finalizer runs Python meanwhile (gh-106905).
        return ast.parse(text)
