"""A policy made ready: patterns compiled, templates read, and all its names checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from headrace_scripted._template import Template, Tree, compile_tree, tree_fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace_scripted._schema import CallShape, FailShape, RuleShape, WhenShape

__all__ = [
    "ACTIONS",
    "Action",
    "Call",
    "Fail",
    "Place",
    "Rule",
    "Say",
    "Wrong",
    "compile_rule",
    "unreachable",
]

Place: TypeAlias = tuple[str | int, ...]
"""Where in a policy: names of fields and numbers in lists."""
Wrong: TypeAlias = list[tuple[Place, str]]
"""Faults as they are found."""

BUILT_IN = frozenset({"user", "system", "result", "round"})
"""Fields that every rule has."""
PATTERNS = ("user", "system", "any", "result")
"""Conditions that are regular expressions."""
ACTIONS = frozenset({"call", "say", "fail"})
"""Of which a rule has one."""
_GROUP = re.compile(r"\(\?P<(\w+)>")


@dataclass(frozen=True, slots=True)
class Call:
    """Calls a tool."""

    tool: str
    arguments: dict[str, Tree]


@dataclass(frozen=True, slots=True)
class Say:
    """Says a text, or JSON."""

    content: Tree


@dataclass(frozen=True, slots=True)
class Fail:
    """Raises a ``ModelError``."""

    code: str
    message: Template
    retry_after: float | None


Action: TypeAlias = tuple[Call, ...] | Say | Fail


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that can be followed.

    Attributes:
        label: What errors call it.
        patterns: What must be found, by where to look.
        called: Tools that must have been called.
        not_called: Tools that must not have been called.
        rounds: The rounds in which it counts; empty for all.
        action: What it does.
    """

    label: str
    patterns: dict[str, re.Pattern[str]]
    called: frozenset[str]
    not_called: frozenset[str]
    rounds: frozenset[int]
    action: Action


def compile_rule(shape: RuleShape, said: frozenset[str], number: int, wrong: Wrong) -> Rule | None:
    """Makes a rule ready; what is wrong with it goes to ``wrong``, with its place in the rule.

    Args:
        shape: The rule, without the actions whose shape is wrong.
        said: Which of call, say and fail the file has, of whatever shape.
        number: Its number, from 1.
        wrong: Takes the faults.

    Returns:
        The rule, or ``None`` where it is wrong.
    """
    before = len(wrong)
    patterns = _patterns(shape.when, wrong)
    _check_tools(shape.when, wrong)
    names = BUILT_IN.union(*(pattern.groupindex for pattern in patterns.values()))
    for where in PATTERNS:
        if where not in patterns:
            # Of a broken pattern too: or each use of its groups would be a fault of its own.
            names |= set(_GROUP.findall(getattr(shape.when, where) or ""))
    if len(said) != 1:
        has = " and ".join(sorted(said)) or "nothing"
        wrong.append(((), f"a rule says one of call, say and fail; this one says {has}"))
    action: Action | None = None
    if shape.call is not None:
        action = _calls(shape.call, names, wrong)
    elif "say" in shape.model_fields_set:
        action = _say(shape, names, wrong)
    elif shape.fail is not None:
        action = _fail(shape.fail, names, wrong)
    else:
        empty = said & shape.model_fields_set
        wrong.extend(((name,), "there is nothing here") for name in sorted(empty))
    if action is None or len(wrong) > before:
        return None
    return Rule(
        label=f"rule {number}" + (f" ({shape.name})" if shape.name else ""),
        patterns=patterns,
        called=frozenset(shape.when.called or ()),
        not_called=frozenset(shape.when.not_called or ()),
        rounds=frozenset(shape.when.round or ()),
        action=action,
    )


def unreachable(shapes: Sequence[RuleShape | None]) -> int | None:
    """The number (from 0) of the first rule that always counts and has others behind it.

    Args:
        shapes: The rules; ``None`` for one that could not be read.
    """
    for number, shape in enumerate(shapes[:-1]):
        if shape is not None and not shape.when.model_dump(exclude_none=True):
            return number
    return None


def _patterns(when: WhenShape, wrong: Wrong) -> dict[str, re.Pattern[str]]:
    compiled: dict[str, re.Pattern[str]] = {}
    homes: dict[str, str] = {}
    for where in PATTERNS:
        text: str | None = getattr(when, where)
        if text is None:
            continue
        try:
            # DOTALL: a group must be able to carry many lines, such as a log.
            compiled[where] = pattern = re.compile(text, re.DOTALL)
        except re.error as error:
            wrong.append((("when", where), f"{text!r} is no regular expression: {error}"))
            continue
        for group in pattern.groupindex:
            if group in BUILT_IN:
                text = f"a group cannot be called {group!r}: that name is the policy's own"
                wrong.append((("when", where), text))
            elif group in homes:
                text = f"the group {group!r} is also in {homes[group]!r}: give it another name"
                wrong.append((("when", where), text))
            homes[group] = where
    return compiled


def _check_tools(when: WhenShape, wrong: Wrong) -> None:
    both = set(when.called or ()) & set(when.not_called or ())
    if both:
        names = ", ".join(sorted(both))
        wrong.append((("when", "not_called"), f"never true: {names} is also in 'called'"))


def _calls(calls: Sequence[CallShape], names: frozenset[str], wrong: Wrong) -> tuple[Call, ...]:
    made = []
    for number, call in enumerate(calls):
        arguments: dict[str, Tree] = {}
        for name, value in call.arguments.items():
            place = ("call", number, "with", name)
            arguments[name] = compile_tree(value, place, wrong)
            _check_fields(arguments[name], place, names, wrong)
        made.append(Call(call.tool, arguments))
    return tuple(made)


def _say(shape: RuleShape, names: frozenset[str], wrong: Wrong) -> Say:
    content = compile_tree(shape.say, ("say",), wrong)
    if shape.say is None:
        wrong.append((("say",), 'there is nothing here (nothing is said with say: "")'))
    _check_fields(content, ("say",), names, wrong)
    return Say(content)


def _fail(shape: FailShape, names: frozenset[str], wrong: Wrong) -> Fail | None:
    place = ("fail", "message")
    message = compile_tree(shape.message, place, wrong)
    _check_fields(message, place, names, wrong)
    if not isinstance(message, Template):
        return None
    return Fail(shape.code, message, shape.retry_after)


def _check_fields(tree: Tree, place: Place, names: frozenset[str], wrong: Wrong) -> None:
    for field, where in tree_fields(tree, place):
        if field.name not in names:
            known = ", ".join("{" + name + "}" for name in sorted(names))
            text = (
                f"{field} is not a field of this rule (it has: {known}); a field is a named group "
                "(?P<name>...) of a condition of the same rule"
            )
            wrong.append((where, text))
        elif field.path and field.name != "result":
            wrong.append((where, f"{field}: only {{result}} has parts"))
