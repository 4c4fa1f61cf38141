"""Tools that an agent's own functions are: the schema that models see, and what they do not."""

from __future__ import annotations

import difflib
import inspect
from typing import TYPE_CHECKING, Any

from headrace.compiling._held import wrongly_held
from headrace.compiling._lost import lost
from headrace.hidden import FromConfig, hidden_parameters
from headrace.plan import ResourceProvider
from headrace.references import reference, unimportable
from headrace.tools import given_parameters, tool_spec

if TYPE_CHECKING:
    from headrace.compiling._work import Work
    from headrace.declarations import ToolDeclaration
    from headrace.hidden import Source

__all__ = ["compile_tool"]


def compile_tool(
    work: Work, name: str, tool: ToolDeclaration, where: str
) -> ResourceProvider | None:
    """A tool of the plan; ``None`` where it has a fault that leaves nothing to say of it."""
    function: Any = tool.function
    if why := unimportable(function):
        work.fault(where, why)
        return None
    work.bound(function, where)
    if tool.on_error not in {None, "tell", "fail"}:
        work.fault(where, f"on_error is 'tell' or 'fail', got {tool.on_error!r}")
        return None
    try:
        hidden = _hidden(work, tool, where)
        spec = tool_spec(name, tool.description, function, hidden)
    except Exception as error:  # noqa: BLE001 - types are the author's, and so what they raise
        work.fault(
            where,
            f"no schema can be made of the tool's parameters: {error}",
            "give every parameter a JSON-like type; ctx is the run's context and needs none",
        )
        return None
    arguments = spec.model_dump(mode="json")
    if tool.timeout is not None:
        arguments["timeout"] = float(tool.timeout)
    given = given_parameters(function)
    if given:
        arguments["given"] = dict(given)
    context = next((one for one, what in given.items() if what == "context"), None)
    if context is not None:
        for message, hint in wrongly_held(function, context):
            work.fault(where, message, hint)
    if context is not None and inspect.iscoroutinefunction(inspect.unwrap(function)):
        for message, hint in lost(function, None, context):
            work.fault(where, message, hint)
    if hidden:
        arguments["hidden"] = {parameter: str(source) for parameter, source in hidden.items()}
    for parameter in sorted(given.keys() & hidden):
        work.fault(
            where,
            f"the parameter {parameter!r} is given by the runtime for its type or name, and "
            f"comes from {hidden[parameter]}",
            "drop one of the two",
        )
    return ResourceProvider(
        kind="tools",
        name=name,
        target=reference(function),
        arguments=arguments,
        approval=tool.approval,
        on_error=tool.on_error,
    )


def _hidden(work: Work, tool: ToolDeclaration, where: str) -> dict[str, Source]:
    """The tool's hidden parameters; whether they can be filled in is looked at too."""
    function: Any = tool.function
    hidden, faults = hidden_parameters(function, tool.hidden)
    for text in faults:
        work.fault(where, text)
    known = _config_names(work)
    for parameter, source in hidden.items():
        first = source.path.partition(".")[0]
        if not isinstance(source, FromConfig) or first in known:
            continue
        # The project and its environment may say further values; a slip is a slip.
        if near := difflib.get_close_matches(first, known, 1, 0.8):
            work.fault(
                where,
                f"the parameter {parameter!r} comes from {source}, and there is no {first!r}",
                f"did you mean {near[0]!r}?",
            )
    return hidden


def _config_names(work: Work) -> set[str]:
    """The names of values and parameters that the agent's own code says."""
    definition = work.definition
    known = {*definition.parameters, *definition.values}
    for model in (definition.value_model, type(definition.agent)):
        known |= set(getattr(model, "model_fields", ()))
    return known
