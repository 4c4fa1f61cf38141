"""Tools from Python functions: what the model is told, and the check of what it gives."""

from __future__ import annotations

import inspect
import re
import typing
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.fields import FieldInfo

from headrace.chat import ToolSpec
from headrace.context import Context, LongTermMemory
from headrace.errors import ToolArgumentsError
from headrace.hidden import hidden_parameters
from headrace.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

__all__ = [
    "Given",
    "arguments_model",
    "check_arguments",
    "given_parameters",
    "hidden_model",
    "tool_spec",
]

Given = Literal["context", "short_term", "long_term"]
"""What the runtime gives a tool's parameter, and the model never sees."""

_PARAMETER = re.compile(r"^\s{2,}\*{0,2}(\w+)(?:\s*\([^)]*\))?:\s*(.+)$")


_GIVEN: dict[type, Given] = {
    Context: "context",
    Memory: "short_term",
    LongTermMemory: "long_term",
}


def given_parameters(function: Callable[..., Any]) -> dict[str, Given]:
    """The parameters that the runtime gives: by their type, and ``ctx`` by its name.

    ``Context`` is the run's context, ``Memory`` the key's short-term memory, ``LongTermMemory``
    its long-term memory.

    Raises:
        NameError: A type cannot be had at run time.
    """
    hints = typing.get_type_hints(inspect.unwrap(function))
    return {
        name: "context" if name == "ctx" else _GIVEN[hints[name]]
        for name in inspect.signature(function).parameters
        if name == "ctx" or hints.get(name) in _GIVEN
    }


def arguments_model(function: Callable[..., Any], hidden: Collection[str] = ()) -> type[BaseModel]:
    """A pydantic model of a function's visible parameters.

    Args:
        function: The tool.
        hidden: Parameters that are hidden though their types do not say so.

    Raises:
        TypeError: A parameter has no type, or none that a schema can be made of; or what is said
            of it in two places does not agree.
    """
    unseen = {"self", *given_parameters(function), *hidden_parameters(function)[0], *hidden}
    described = _described(function)
    fields: dict[str, Any] = {}
    for name, (hint, parameter) in _typed(function, unseen).items():
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[name] = (_described_hint(name, hint, default, described.get(name)), default)
    config = ConfigDict(extra="forbid", arbitrary_types_allowed=False)
    model: type[BaseModel] = create_model(function.__name__, __config__=config, **fields)
    try:
        _checked_defaults(model)
    except ValidationError as error:
        raise TypeError(f"a default is not what its type allows: {_faults(error)}") from None
    return model


def hidden_model(function: Callable[..., Any], hidden: Collection[str]) -> type[BaseModel]:
    """A pydantic model of a function's hidden parameters, for what the runtime fills in."""
    hints = typing.get_type_hints(inspect.unwrap(function), include_extras=True)
    fields: dict[str, Any] = {name: (hints.get(name, Any), ...) for name in hidden}
    config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
    model: type[BaseModel] = create_model("hidden", __config__=config, **fields)
    return model


def _typed(
    function: Callable[..., Any], unseen: Collection[str]
) -> dict[str, tuple[Any, inspect.Parameter]]:
    hints = typing.get_type_hints(inspect.unwrap(function), include_extras=True)
    found = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.POSITIONAL_ONLY and name != "self":
            raise TypeError(f"the parameter {name!r} cannot be given by name: drop the / behind it")
        if name in unseen:
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise TypeError(f"the parameter *{name} has no fixed schema: name each parameter")
        if name not in hints:
            raise TypeError(f"the parameter {name!r} has no type")
        found[name] = (hints[name], parameter)
    return found


def _described_hint(name: str, hint: Any, default: Any, text: str | None) -> Any:
    """A parameter's type with what its docstring says of it."""
    metadata = (*getattr(hint, "__metadata__", ()), default)
    fields = [one for one in metadata if isinstance(one, FieldInfo)]
    own = next((one.description for one in fields if one.description), None)
    if text is None:
        return hint
    if own is not None and " ".join(own.split()) != " ".join(text.split()):
        raise TypeError(
            f"the parameter {name!r} is described as {text!r} in the docstring and as {own!r} in "
            "its type: keep one"
        )
    return Annotated[hint, Field(description=text)]


def _checked_defaults(model: type[BaseModel]) -> None:
    """Holds each default against its own type.

    Raises:
        ValidationError: One does not fit.
    """
    for name, field in model.model_fields.items():
        if field.is_required():
            continue
        try:
            model.__pydantic_validator__.validate_assignment(
                model.model_construct(), name, field.get_default(call_default_factory=True)
            )
        except TypeError:
            continue  # a factory that needs the other values


def tool_spec(
    name: str,
    description: str | None,
    function: Callable[..., Any],
    hidden: Collection[str] = (),
) -> ToolSpec:
    """What the model is told of a function; see ``arguments_model``."""
    schema = arguments_model(function, hidden).model_json_schema()
    schema.pop("title", None)
    for part in schema.get("properties", {}).values():
        part.pop("title", None)
    schema.setdefault("properties", {})
    text = description if description is not None else _summary(function)
    return ToolSpec(name=name, description=text, parameters=schema)


def check_arguments(
    model: type[BaseModel], tool: str, arguments: Mapping[str, Any], *, defaults: bool = False
) -> dict[str, Any]:
    """The arguments with their right types.

    Args:
        model: The tool's parameters.
        tool: Its name, for errors.
        arguments: What the model gave.
        defaults: Whether parameters that were left out are there with their defaults.

    Raises:
        ToolArgumentsError: They do not fit; the text tells the model what to mend.
    """
    try:
        checked = model.model_validate(dict(arguments))
    except ValidationError as error:
        text = f"the arguments of the tool {tool} do not fit: {_faults(error)}"
        raise ToolArgumentsError(text) from None
    names = type(checked).model_fields if defaults else checked.model_fields_set
    return {name: getattr(checked, name) for name in names}


def _faults(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in fault['loc']) or 'arguments'}: {fault['msg']}"
        for fault in error.errors(include_url=False, include_input=False)
    )


def _summary(function: Callable[..., Any]) -> str:
    text = inspect.getdoc(function) or ""
    return re.split(r"\n\s*(?:Args|Returns|Raises|Yields|Example|Examples):", text)[0].strip()


def _described(function: Callable[..., Any]) -> dict[str, str]:
    """The descriptions under ``Args:`` of a Google docstring."""
    _, _, rest = (inspect.getdoc(function) or "").partition("\nArgs:\n")
    found: dict[str, str] = {}
    name = ""
    for line in rest.splitlines():
        if line and not line.startswith(" "):
            break
        if match := _PARAMETER.match(line):
            if len(line) - len(line.lstrip()) <= 4:  # noqa: PLR2004 - a docstring's one indent
                name = match[1]
                found[name] = match[2].strip()
        elif name and line.strip():
            found[name] += " " + line.strip()
    return found
