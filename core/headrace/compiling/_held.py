"""Effects that an action could never have done, read from its source (``ctx.after_commit``).

Only what can be seen for certain is told; the rest is refused where it is asked for
(``operator/_effects.py``).
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from headrace.compiling._lost import own_nodes
from headrace.compiling._source import source_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["wrongly_held"]

_AT_THE_TOP = "write it as a def at the top of a module, or as a method of the agent"


def wrongly_held(function: Any, context: str | None = None) -> Iterator[tuple[str, str]]:
    """What is wrong with the effects that a function asks for, and what to do about it.

    Args:
        function: An action, or a tool with the context.
        context: The parameter that is the context; the last one where ``None``.
    """
    source = source_of(function, context)
    if source is None:
        return
    inside = {
        node.name
        for node in ast.walk(source.tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node is not source.tree
    }
    called = f"{source.context}.after_commit"
    for node in own_nodes(source.tree):
        what = hint = None
        if isinstance(node, ast.Await) and _asks(node.value, source.context):
            what = "is awaited, and gives a text, its key: the effect is done after the run"
            hint = f"write: {called}(...)"
        elif isinstance(node, ast.Call) and _asks(node, source.context):
            what, hint = _wrong(node, source.context, inside)
        if what and hint and isinstance(node, ast.expr):
            yield f"line {node.lineno}: {called}(...) {what}", hint


def _asks(node: ast.AST, context: str) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "after_commit"
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == context
    )


def _wrong(node: ast.Call, context: str, inside: set[str]) -> tuple[str, str]:
    if not node.args:
        return "is given no function", f"write: {context}.after_commit(function, argument)"
    effect, *arguments = node.args
    if isinstance(effect, ast.Lambda):
        return "is given a lambda, which no other process could find again", _AT_THE_TOP
    if isinstance(effect, ast.Name) and effect.id in inside:
        found = f"is given {effect.id}, which is defined inside the action"
        return f"{found}: no other process could find it again", _AT_THE_TOP
    if isinstance(effect, (ast.Call, ast.Await)):
        return (
            "is given what a call returns, so that is made now",
            f"name the function, and its arguments behind it: {context}.after_commit(f, x)",
        )
    for one in (*arguments, *(keyword.value for keyword in node.keywords)):
        if isinstance(one, ast.Name) and one.id == context:
            return (
                f"is given {context}, which is over when the effect is done",
                "give it the data that it needs",
            )
    return "", ""
