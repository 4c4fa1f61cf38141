"""Judges a command: the one walk over its tree, and what each part of it is held against."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace_skills.shell._calls import Calls
from headrace_skills.shell._errors import Place, ShellRefusedError, refuse
from headrace_skills.shell._numbers import NAME, Numbers, assigned_in
from headrace_skills.shell._parser import check_text, parse
from headrace_skills.shell._rules import ShellRules
from headrace_skills.shell._tree import Visit, place, visits
from headrace_skills.shell._variables import check_name
from headrace_skills.shell._words import literal, read_word

if TYPE_CHECKING:
    from headrace_skills.shell._tree import Node

__all__ = ["CheckedCommand", "check_command", "check_tree"]

KEPT = 128
"""Verdicts that are kept: models ask for the same again."""

_COMPARING = frozenset(("-eq", "-ne", "-lt", "-le", "-gt", "-ge"))
_QUOTING = frozenset(("Q", "U", "u", "L"))
_EXPANDING = frozenset(
    ("+", ":+", "-", ":-", "?", ":?", "=", ":=", "%", "%%", "#", "##", "^", "^^", ",", ",,", "@")
)
_SPECIAL = frozenset("@*#?$!_-0123456789")
_RECKONED = {
    "ArithmExp": ("X",),
    "ArithmCmd": ("X",),
    "Slice": ("Offset", "Length"),
    "CStyleLoop": ("Init", "Cond", "Post"),
    "Assign": ("Index",),
    "ArrayElem": ("Index",),
    "ParamExp": ("Index",),
}
"""Where bash reckons, and so evaluates the text of variables."""


@dataclass(frozen=True, slots=True)
class CheckedCommand:
    """A command that was found to be allowed."""

    text: str
    """It."""
    programs: tuple[str, ...]
    """Names of the programs that it may start, sorted; bash's own commands are not among them."""


def check_command(text: str, rules: ShellRules | None = None) -> CheckedCommand:
    """Judge a command for bash, without running anything of it.

    Args:
        text: What would be given to ``bash -c``.
        rules: What it is held against; the defaults where none are given.

    Raises:
        ShellRefusedError: It is not allowed, or cannot be read for certain.
    """
    verdict = _verdict(text, rules or ShellRules())
    if isinstance(verdict, ShellRefusedError):
        kind, made_of = verdict.__reduce__()
        raise kind(*made_of)  # a new one each time: a raised one holds its caller's frames
    return verdict


@functools.lru_cache(KEPT)
def _verdict(text: str, rules: ShellRules) -> CheckedCommand | ShellRefusedError:
    try:
        source = check_text(text, rules.max_bytes)
        tree = parse(source, rules.seconds)
        return CheckedCommand(text, check_tree(tree, source, rules))
    except ShellRefusedError as refused:
        if refused.rule == "parser":
            raise  # it may be read the next time: the machine was busy, the parser not there yet
        return refused.with_traceback(None)


def check_tree(tree: Node, source: bytes, rules: ShellRules) -> tuple[str, ...]:
    """Judge the tree of a command; gives the names of the programs that it may start.

    Raises:
        ShellRefusedError: It is not allowed.
    """
    if tree.get("Type") != "File":
        raise refuse("parser", "shfmt gave no tree", Place())
    found = list(visits(tree, source, rules.max_depth))
    numbers = Numbers()
    for visit in found:
        _note(visit, numbers)
    numbers.settle()
    calls = Calls(rules, numbers, source, found)
    for visit in found:
        _check(visit, numbers)
        calls.check(visit)
    return tuple(sorted(calls.programs))


def _note(visit: Visit, numbers: Numbers) -> None:
    """Take note of variables that are set."""
    node = visit.node
    if visit.kind == "Assign" and "Name" in node:
        name = node["Name"].get("Value", "")
        values = [one.get("Value") for one in node.get("Array", {}).get("Elems", ())]
        values.append(node.get("Value"))
        for value in values:
            numbers.note(name, "number" if value is None else value)
    elif visit.kind == "ForClause" and node["Loop"]["Type"] == "WordIter":
        loop = node["Loop"]
        for item in loop.get("Items", ["text"]):  # without items: the arguments
            numbers.note(loop["Name"].get("Value", ""), item)
    elif visit.kind == "ParamExp" and node.get("Exp", {}).get("Op") in ("=", ":="):
        numbers.note(node["Param"].get("Value", ""), node["Exp"].get("Word", "number"))
    elif visit.kind in ("BinaryArithm", "UnaryArithm"):
        for target in assigned_in({**node, "Type": visit.kind}):
            numbers.note(_target(target), "number")
    elif visit.kind == "CallExpr":
        from headrace_skills.shell._builtins import names_set

        texts = [read_word(word, lambda _: False).text for word in node.get("Args", ())]
        for name in names_set(texts[0] if texts else None, texts):
            numbers.note(name, "text")


def _target(target: Node) -> str:
    """The name that arithmetic sets."""
    parts = target.get("Parts", ())
    if len(parts) == 1 and parts[0]["Type"] in ("Lit", "ParamExp"):
        part = parts[0]
        at = place(part)
        if part["Type"] == "Lit":
            name = part.get("Value", "")
        else:
            name = part["Param"].get("Value", "") if "Dollar" not in part else "$"
        check_name(name, at)
        return str(name)
    raise refuse("arithmetic", "what is set here is not a plain name", place(target))


def _check(visit: Visit, numbers: Numbers) -> None:
    """Check what holds wherever a node stands."""
    node, kind = visit.node, visit.kind
    for key in _RECKONED.get(kind, ()):
        inner = node.get(key)
        if inner is not None and not (kind == "ParamExp" and literal(inner) in ("@", "*")):
            numbers.check(inner)
    if kind == "BinaryTest" and node["Op"] in _COMPARING:
        for key in ("X", "Y"):
            if node[key]["Type"] != "Word":
                raise refuse("test", f"{node['Op']} compares two numbers", place(node))
            numbers.check(node[key])
    elif kind == "UnaryTest" and node["Op"] in ("-v", "-R"):
        name = literal(node["X"]) if node["X"]["Type"] == "Word" else None
        if name is None or not NAME.fullmatch(name):
            raise refuse("test", "bash evaluates the name that -v tests: write a plain one",
                         place(node), 'or write [ -n "${name+set}" ]')  # fmt: skip
    elif kind == "ParamExp":
        _check_parameter(node)
    elif kind == "WordIter":
        check_name(node["Name"].get("Value", ""), place(node))


def _check_parameter(node: Node) -> None:
    name, at = node["Param"].get("Value", ""), place(node)
    if not NAME.fullmatch(name) and not (name and set(name) <= _SPECIAL):
        raise refuse("syntax", f"the variable {name!r} is not known here", at)
    if node.get("Excl") and (
        "Index" not in node
        or literal(node["Index"]) not in ("@", "*")
        or {"Exp", "Slice", "Repl"} & node.keys()
    ):
        raise refuse(
            "computed", f"${{!{name}}} is the variable whose name is the text of {name}", at,
            "name the variable itself",
        )  # fmt: skip
    more = node.get("Exp")
    if more is None:
        return
    if more["Op"] not in _EXPANDING:
        raise refuse("syntax", f"${{…{more['Op']}…}} is not known here", at)
    if more["Op"] in ("=", ":="):
        check_name(name, at)
        if "Index" in node:
            raise refuse("assignment", "a place in a list is not set here", at)
    if more["Op"] == "@" and literal(more.get("Word")) not in _QUOTING:
        raise refuse("runs-text", "${…@P} and its like evaluate a text", at, "allowed is: @Q")
