"""What is wrong with an agent's prompts, found when it is compiled.

Fields are known where an action says all of them: ``ctx.chat`` and ``ctx.prompt`` with names in the
source, an input that is the event itself, and messages. Where anything else is given, nothing is
concluded.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import textwrap
from typing import TYPE_CHECKING, Any

from headrace.errors import Fault
from headrace.events import Event, NamedEvent
from headrace.prompts import Prompt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from headrace.declarations import ActionDeclaration
    from headrace.plan import Providers, ResourceProvider

__all__ = ["check_prompts", "fields_of", "unknown_fields"]

_OPTIONS = frozenset({"prompt", "tools", "output", "on_delta", "options"})
"""Arguments of ``ctx.chat`` that are no fields."""


def check_prompts(
    agent: str, actions: Iterable[tuple[str, ActionDeclaration, str]], providers: Providers
) -> Iterator[Fault]:
    """The faults between models, prompts, and what actions fill them with."""
    prompts = providers.get("prompts", {})
    for kind, found in providers.items():
        for name, provider in found.items():
            where = f"{agent}.{name}"
            if provider.prompt is None:
                continue
            if kind != "chat_models":
                yield Fault(where, "only chat models have a prompt: leave out with_prompt(...)")
            elif provider.prompt not in prompts:
                yield _unknown_prompt(where, provider.prompt, prompts)
    for name, declaration, place in actions:
        yield from _Reading(declaration, f"{name} ({place})", providers).faults()


def fields_of(name: str | None, providers: Providers) -> frozenset[str]:
    """The fields of a prompt whose messages are in the plan; of another one none."""
    provider = None if name is None else providers.get("prompts", {}).get(name)
    if provider is None or provider.target is not None:
        return frozenset()
    return Prompt(**provider.arguments).fields


def unknown_fields(
    where: str, what: str, fields: Iterable[str], known: Iterable[str]
) -> Iterator[Fault]:
    """The fields of a prompt that nothing fills."""
    names = sorted(known)
    for field in sorted(set(fields) - set(names)):
        near = difflib.get_close_matches(field, names, 1)
        meant = f"did you mean {{{near[0]}}}? " if near else ""
        yield Fault(
            where,
            f"{what} has the field {{{field}}}, which nothing fills",
            f"{meant}give it, or write {{{{{field}}}}} where the text itself is meant",
        )


def _unknown_prompt(where: str, name: str, prompts: Mapping[str, ResourceProvider]) -> Fault:
    known = sorted(prompts)
    near = difflib.get_close_matches(name, known, 1)
    if near:
        hint = f"did you mean {near[0]!r}?"
    else:
        hint = f"declare it, as in {name} = Prompt(...)" if name.isidentifier() else ""
    has = ", ".join(known) or "none"
    return Fault(where, f"the agent has no prompt {name!r} (it has: {has})", hint)


class _Reading:
    """An action's source, read for what it asks models by."""

    def __init__(self, declaration: ActionDeclaration, where: str, providers: Providers) -> None:
        self.where = where
        self.providers = providers
        self.function: Any = inspect.unwrap(declaration.function) if declaration.function else None
        self.event, self.context = "", ""
        kinds = [event for event, _ in declaration.triggers]
        self.kinds = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Event)]
        if len(self.kinds) != len(kinds) or NamedEvent in self.kinds:
            self.kinds = []

    def faults(self) -> Iterator[Fault]:
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(self.function)))
            parameters = list(inspect.signature(self.function).parameters)
        except (OSError, TypeError, SyntaxError, ValueError):
            return
        if len(parameters) < 2:  # noqa: PLR2004 - the event and the context
            return
        self.event, self.context = parameters[-2:]
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
        for node in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
            function = node.func
            if not (
                isinstance(function, ast.Attribute)
                and isinstance(function.value, ast.Name)
                and function.value.id == self.context
            ):
                continue
            if function.attr == "prompt":
                yield from self._filled(node, _text(node.args[0]), self._names(node, None))
            elif function.attr == "chat":
                yield from self._chat(node)

    def _chat(self, call: ast.Call) -> Iterator[Fault]:
        given = call.args[1] if len(call.args) > 1 else None
        named = next((word.value for word in call.keywords if word.arg == "prompt"), None)
        known = self._names(call, given)
        if named is not None and not _is_none(named):
            yield from self._filled(call, _text(named), known)
        else:
            model = self.providers.get("chat_models", {}).get(_text(call.args[0]) or "")
            bound = None if model is None else model.prompt
            if bound in self.providers.get("prompts", {}):
                yield from self._filled(call, bound, known)
        if isinstance(own := self._own(given), Prompt) and known is not None:
            what = f"the prompt that is given in line {self._line(call)}"
            yield from unknown_fields(self.where, what, own.fields, known)

    def _filled(
        self, call: ast.Call, name: str | None, known: frozenset[str] | None
    ) -> Iterator[Fault]:
        if not name:
            return
        prompts = self.providers.get("prompts", {})
        if name not in prompts:
            yield _unknown_prompt(f"{self.where}, line {self._line(call)}", name, prompts)
        elif known is not None:
            what = f"the prompt {name!r}, filled in line {self._line(call)},"
            yield from unknown_fields(self.where, what, fields_of(name, self.providers), known)

    def _names(self, call: ast.Call, given: ast.expr | None) -> frozenset[str] | None:
        """The names that a call gives; ``None`` where its source does not say all."""
        words = {word.arg: word.value for word in call.keywords}
        if None in words or any(isinstance(arg, ast.Starred) for arg in call.args):
            return None
        chat = isinstance(call.func, ast.Attribute) and call.func.attr == "chat"
        names = {str(word) for word in words if not (chat and word in _OPTIONS)}
        value = words.get("input")
        if value is None and given is not None:
            if isinstance(given, (ast.List, ast.Tuple)) or _is_none(given):
                return frozenset(names)
            value = None if isinstance(self._own(given), Prompt) else given
        if value is None:
            return frozenset(names)
        names.add("input")
        if isinstance(value, (ast.JoinedStr, ast.Constant)):
            return frozenset(names)
        if isinstance(value, ast.Name) and value.id == self.event and self.kinds:
            shared = [frozenset(kind.model_fields) for kind in self.kinds]
            return frozenset(names.union(*shared))
        return None

    def _own(self, given: ast.expr | None) -> Any:
        """What a name of the module stands for, where an action gives it."""
        if isinstance(given, ast.Name) and given.id not in self.function.__code__.co_varnames:
            return getattr(self.function, "__globals__", {}).get(given.id)
        return None

    def _line(self, call: ast.Call) -> int:
        return int(self.function.__code__.co_firstlineno) + call.lineno - 1


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
