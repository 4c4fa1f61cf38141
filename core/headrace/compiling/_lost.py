"""What an action loses, read from its source: calls that are not awaited, values it returns.

Only what can be seen for certain is told; the rest is told when it happens (``operator/_run.py``,
``operator/_durable.py``).
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Literal

from headrace.compiling._source import source_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["lost", "own_nodes"]

_CALLS = frozenset({"agent", "call", "chat", "gather", "resource", "tool"})
_MAYBE_NONE = (ast.Await, ast.BoolOp, ast.Call, ast.IfExp, ast.NamedExpr)


def lost(
    function: Any,
    mode: Literal["async", "sync", "blocking"] | None,
    context: str | None = None,
) -> Iterator[tuple[str, str]]:
    """What a function loses, and what to do about it.

    Args:
        function: An action; or (``mode`` ``None``) an ``async`` tool, which may return values.
        mode: How the action runs.
        context: The parameter that is the context; the last one where ``None``.
    """
    source = source_of(function, context)
    if source is None:
        return
    nodes = list(own_nodes(source.tree))
    returned = [node for node in nodes if isinstance(node, ast.Return) and node.value is not None]
    for node in nodes:
        if isinstance(node, ast.Expr) and mode in {"async", None}:
            if (called := _called(node.value, source.context)) is not None:
                yield (
                    f"line {node.lineno}: {called}(...) is not awaited, so it would not be made",
                    f"write: await {called}(...)",
                )
            continue
        called = None
        if mode == "sync" and not returned and isinstance(node, ast.Call):
            called = _called(node, source.context)
        if called is not None and isinstance(node, ast.Call):
            yield (
                f"line {node.lineno}: {called}(...) is to be awaited, which a plain def cannot",
                "make the action async def, or mark it blocking=True: then calls wait",
            )
    if mode is None or hasattr(function, "__wrapped__"):
        return  # a decorator may do something with what is returned
    for node in returned:
        if not isinstance(node.value, _MAYBE_NONE) and not _is_none(node.value):
            yield (
                f"line {node.lineno}: the action returns a value, which would be lost",
                "send it (ctx.send(...)), and return nothing",
            )


def own_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function, without those of functions inside of it."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            continue
        yield node
        yield from own_nodes(node)


def _called(node: ast.AST, context: str) -> str | None:
    """The method of the context that a node calls, where it is one that is to be awaited."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return None
    owner, method = node.func.value, node.func.attr
    if isinstance(owner, ast.Name) and owner.id == context and method in _CALLS:
        return f"{context}.{method}"
    if (
        isinstance(owner, ast.Attribute)
        and owner.attr == "long_term"
        and isinstance(owner.value, ast.Name)
        and owner.value.id == context
    ):
        return f"{context}.long_term.{method}"
    return None


def _is_none(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
