"""Actions: what each is, how it runs, what it may be given."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Literal

from headrace.compiling._held import wrongly_held
from headrace.compiling._lost import lost
from headrace.compiling._settings import stored_values
from headrace.compiling._triggers import compile_trigger, input_model
from headrace.plan import ActionSpec
from headrace.references import reference, unimportable

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.compiling._work import Work
    from headrace.declarations import ActionDeclaration

__all__ = ["compile_actions"]

Mode = Literal["async", "sync", "blocking"]


def compile_actions(work: Work) -> dict[str, ActionSpec]:
    """The agent's actions by name, in the order of their declaration."""
    specs: dict[str, ActionSpec] = {}
    places: dict[str, str] = {}
    for name, declaration, place in work.definition.actions:
        if name in specs:
            work.fault(
                f"{name} ({place})",
                f"the action's name is taken by the one at {places[name]}",
                "give one of them another name: @action(..., name=...)",
            )
            continue
        places[name] = place
        specs[name] = _action(work, name, declaration, f"{name} ({place})")
    return specs


def _action(work: Work, name: str, declaration: ActionDeclaration, where: str) -> ActionSpec:
    function: Any = declaration.function
    why = unimportable(function)
    if why:
        work.fault(where, why)
    mode = _mode(work, declaration, where)
    _check_returned(work, function, mode, where)
    _check_parameters(work, function, where)
    if declaration.on_condition_error not in {None, "fail", "skip"}:
        wrong = declaration.on_condition_error
        work.fault(where, f"on_condition_error is 'fail' or 'skip', got {wrong!r}")
    if not declaration.triggers:
        work.fault(where, "nothing triggers this action", "name an event: @action(InputEvent)")
    triggers = tuple(
        compile_trigger(work, event, when, where) for event, when in declaration.triggers
    )
    if declaration.timeout is not None and declaration.timeout <= 0:
        work.fault(where, f"the timeout must be above 0 seconds, got {declaration.timeout}")
    # Not validated: an action with a fault has no reference, and its plan is never made.
    return ActionSpec.model_construct(
        input_model=input_model(work, declaration, where),
        name=name,
        function="" if why else reference(function),
        mode=mode,
        triggers=triggers,
        policy=declaration.policy,
        timeout=declaration.timeout,
        settings=stored_values(work, declaration.settings, where),
        on_condition_error=declaration.on_condition_error,
    )


def _mode(work: Work, declaration: ActionDeclaration, where: str) -> Mode:
    function: Any = declaration.function
    if inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
        work.fault(where, "an action sends events by ctx.send, it does not yield them")
        return "sync"
    if inspect.iscoroutinefunction(inspect.unwrap(function)):
        if declaration.blocking:
            work.fault(where, "blocking=True is for def actions, and this is async", "leave it out")
        return "async"
    return "blocking" if declaration.blocking else "sync"


def _check_returned(work: Work, function: Any, mode: Mode, where: str) -> None:
    for message, hint in wrongly_held(function):
        work.fault(where, message, hint)
    returned = inspect.signature(function).return_annotation if callable(function) else None
    if returned not in (inspect.Signature.empty, None, "None"):
        work.fault(
            where,
            f"the action returns {returned}, which would be lost",
            "send it (ctx.send(...)), and annotate the action with -> None",
        )
        return
    for message, hint in lost(function, mode):
        work.fault(where, message, hint)


def _check_parameters(work: Work, function: Callable[..., Any], where: str) -> None:
    needed = 2 + work.bound(function, where)
    try:
        inspect.signature(function).bind(*range(needed))
    except TypeError:
        work.fault(
            where,
            f"an action takes (event, ctx), this one takes {inspect.signature(function)}",
            "write it as: def name(self, event: InputEvent, ctx: Context) -> None",
        )
    except ValueError:
        work.fault(where, "the function has no signature that could be read")
