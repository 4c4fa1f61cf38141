"""Where values go in a Python module: what secrets, downloads and paths flow into.

Names are taken for what they are anywhere in the module, whatever function they stand in: it finds
too much rather than too little, and is quick.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, TypeAlias

from headrace_skills.audit._python_values import UNKNOWN, Values, dotted
from headrace_skills.audit._rules import phrase
from headrace_skills.audit._table import names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["MAX_PATH", "Flow", "Labels"]

_NETWORK = names("python-network-modules")
_RECEIVING = names("python-receiving-functions")
_DECODING = re.compile(
    r"(?:(?:[ab]\d\d|standard_b64|urlsafe_b64)decode|decodebytes|unhexlify|fromhex|decompress|a2b_\w+"
    r"|codecs\.decode|(?:^|\.)chr)$"
)
_PASSES = 4
"""Over the assignments: a longer chain is rare, and one pass costs as much again."""
_FILLS = ("append", "extend", "update", "add")
_MAX_DEPTH = 12
MAX_PATH = 400
"""Characters of a text that may be a path."""
_HOMES = ("~", f"~/{UNKNOWN}", "/", "/home", "~/Documents", "~/Desktop")
_ENVIRONMENT = ("os.environ.get", "os.getenv")

Labels: TypeAlias = "frozenset[str]"
"""``secret``, ``environment``, ``downloaded``, ``decoded``, ``network``, and of paths ``start-up``,
``agent``, ``home``."""
NOTHING: Labels = frozenset()


class Flow:
    """The names of one module: what they stand for, and what flows into them."""

    def __init__(self, nodes: list[ast.AST]) -> None:
        self.values = Values()
        self._nodes = nodes
        self._labels: dict[str, Labels] = {}
        self._known: dict[int, Labels] = {}  # of nodes, as long as the names' labels stay
        self._functions = {
            node.name: node
            for node in nodes
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        }
        self._returns = {
            name: [one.value for one in ast.walk(node) if isinstance(one, ast.Return)]
            for name, node in self._functions.items()
        }
        self._phrases = {
            "secret": phrase("secret-file"),
            "start-up": phrase("start-up-file"),
            "agent": phrase("agent-file"),
        }

    def gather(self) -> None:
        """Go over the assignments until nothing new is learnt of a name."""
        pairs = list(self._assignments())
        for name, value in pairs:
            self.values.names[name] = value
        for name in {name for name, value in pairs if _names_itself(name, value)}:
            self.values.names.pop(name, None)
        for _ in range(_PASSES):
            before = dict(self._labels)
            self._known.clear()
            for name, value in pairs:
                found = self.labels(value)
                if found:
                    self._labels[name] = self._labels.get(name, NOTHING) | found
            if before == self._labels:
                return
        self._known.clear()

    def _assignments(self) -> Iterator[tuple[str, ast.expr]]:
        for node in self._nodes:
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    yield from _bound(target, node.value)
            elif isinstance(node, (ast.AnnAssign, ast.AugAssign, ast.NamedExpr)):
                if node.value is not None:
                    yield from _bound(node.target, node.value)
            elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
                yield from _bound(node.target, node.iter)
            elif isinstance(node, ast.withitem) and node.optional_vars is not None:
                yield from _bound(node.optional_vars, node.context_expr)
            elif isinstance(node, ast.Call):
                yield from self._handed_over(node)

    def _handed_over(self, call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
        """What a call of a function of this module gives its parameters; and lists their items."""
        function = self._functions.get(dotted(call.func))
        if function is not None:
            parameters = [one.arg for one in function.args.args]
            yield from zip(parameters, call.args, strict=False)
        elif (
            isinstance(call.func, ast.Attribute)
            and call.func.attr in _FILLS
            and isinstance(call.func.value, ast.Name)
        ):
            yield from ((call.func.value.id, one) for one in call.args)

    def all_labels(self, nodes: Sequence[ast.expr]) -> Labels:
        """What flows into some expressions."""
        return NOTHING.union(*(self.labels(one) for one in nodes))

    def labels(self, node: ast.AST | None, depth: int = 0) -> Labels:
        """What flows into an expression."""
        if node is None or depth > _MAX_DEPTH:
            return NOTHING
        known = self._known.get(id(node))
        if known is None:
            known = self._known[id(node)] = self._flowing(node, depth)
        return known

    def _flowing(self, node: ast.AST, depth: int) -> Labels:
        found: set[str] = set()
        if isinstance(node, ast.Name):
            return self._labels.get(node.id, NOTHING) | self._own(node)
        if isinstance(
            node, (ast.Call, ast.Attribute, ast.BinOp, ast.Constant, ast.JoinedStr, ast.Subscript)
        ):
            found |= self._own(node)
        if isinstance(node, ast.Subscript) and self.values.real(node.value) == "os.environ":
            return frozenset(found)
        if isinstance(node, ast.Call) and self.values.real(node.func) in _ENVIRONMENT:
            return frozenset(found)
        below: set[str] = set()
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, (ast.expr_context, ast.operator)):
                below |= self.labels(child, depth + 1)
        # A folder below the home is not the home.
        if isinstance(node, (ast.BinOp, ast.Call)) and self.values.text(node) is not None:
            below.discard("home")
        return frozenset(found | below)

    def _own(self, node: ast.AST) -> set[str]:
        found: set[str] = set()
        if isinstance(node, (ast.BinOp, ast.Constant, ast.JoinedStr, ast.Call)):
            text = self.values.text(node)
            if text is not None and len(text) < MAX_PATH:
                found |= self._path_labels(text)
        if (isinstance(node, ast.Attribute) and self.values.real(node) == "os.environ") or (
            isinstance(node, ast.Name) and self.values.aliases.get(node.id) == "os.environ"
        ):
            found.add("environment")
        if isinstance(node, ast.Call):
            name = self.values.real(node.func)
            last = name.rpartition(".")[2]
            function = self._functions.get(name)
            if function is not None:
                for value in self._returns[function.name]:
                    found |= self._shallow(value)
            if self.is_network(node.func) and last in _RECEIVING:
                found.add("downloaded")
            if _DECODING.search(name):
                found.add("decoded")
            if name.startswith(("os.environ.", "environ.")) and last in ("items", "copy", "values"):
                found.add("environment")
            if self.is_network(node.func):
                found.add("network")
        return found

    def _shallow(self, node: ast.expr | None) -> Labels:
        """The labels of what a function returns, by the names in it and the calls in sight."""
        found: set[str] = set()
        for one in ast.walk(node) if node is not None else ():
            if isinstance(one, ast.Name):
                found |= self._labels.get(one.id, NOTHING)
            elif isinstance(one, ast.Call) and self._functions.get(dotted(one.func)) is None:
                found |= self._own(one)
        return frozenset(found)

    def _path_labels(self, text: str) -> set[str]:
        found = {label for label, pattern in self._phrases.items() if pattern.search(text)}
        if text.rstrip("/") in _HOMES:
            found.add("home")
        return found

    def is_network(self, function: ast.expr) -> bool:
        head = self.values.real(function).partition(".")[0]
        if head in _NETWORK:
            return True
        at = function
        while isinstance(at, (ast.Attribute, ast.Call, ast.Subscript)):
            at = at.func if isinstance(at, ast.Call) else at.value
        return isinstance(at, ast.Name) and "network" in self._labels.get(at.id, NOTHING)


def _names_itself(name: str, value: ast.expr) -> bool:
    return any(isinstance(one, ast.Name) and one.id == name for one in ast.walk(value))


def _bound(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, (ast.Tuple, ast.List)):
        if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts):
            for one, part in zip(target.elts, value.elts, strict=True):
                yield from _bound(one, part)
        else:
            for one in target.elts:
                yield from _bound(one, value)
    elif isinstance(target, ast.Starred):
        yield from _bound(target.value, value)
    elif isinstance(target, (ast.Subscript, ast.Attribute)) and isinstance(target.value, ast.Name):
        yield target.value.id, value
