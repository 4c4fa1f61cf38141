"""What ready agents are told by their fields: forms, tools, and values that a class sets."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, TypeAdapter

from headrace.declarations import ToolDeclaration, Use
from headrace.errors import ResourceError
from headrace.models._forms import Form
from headrace.references import find, reference, unimportable
from headrace.sub_agents import SubAgent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)

__all__ = [
    "ByAssignment",
    "Declared",
    "declared_tools",
    "form_reference",
    "has_code",
    "input_names",
]


class ByAssignment(ModelMetaclass):
    """Lets the body of a subclass give a field of its base another default by ``name = value``.

    Pydantic wants the annotation again, which every such line would have to repeat.
    """

    def __new__(
        cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **more: Any
    ) -> type:
        """Writes the annotations that are left out."""
        known: dict[str, Any] = {}
        for base in reversed(bases):
            known |= getattr(base, "model_fields", {})
        annotations = namespace.setdefault("__annotations__", {})
        for field in (namespace.keys() & known.keys()) - annotations.keys():
            if not _is_code(namespace[field]):
                kind = known[field].annotation
                parts: Any = (kind, *known[field].metadata)
                annotations[field] = Annotated[parts] if len(parts) > 1 else kind
        return super().__new__(cls, name, bases, namespace, **more)


def has_code(kind: type[BaseModel]) -> bool:
    """Whether a subclass is more than other values of its base's fields: needed on the worker."""
    inherited = {name for base in kind.__bases__ for name in getattr(base, "model_fields", ())}
    own = {name: each for name, each in vars(kind).items() if not name.startswith("__")}
    return bool(
        set(kind.model_fields) - inherited
        or kind.__private_attributes__
        or any(_is_code(each) for each in own.values())
    )


def _is_code(value: Any) -> bool:
    """Whether it is a method, a property or the like; a class that is a value is none."""
    return hasattr(type(value), "__get__") and not isinstance(value, type)


# ---------------------------------------------------------------- forms
def form_reference(wanted: Any) -> Any:
    """The form of an answer as data: a JSON schema as it is, a class as ``module:Class``.

    Raises:
        ValueError: No form can be made of it, or a worker could not import it.
    """
    if isinstance(wanted, Mapping):
        wanted = dict(wanted)
        checked = wanted
    else:
        if not isinstance(wanted, str):
            wanted = _named(wanted)
        try:
            checked = find(wanted)
        except ResourceError as error:
            raise ValueError(str(error)) from None
    try:
        Form(checked)
    except TypeError as error:
        raise ValueError(str(error)) from None
    return wanted


def _named(wanted: Any) -> str:
    if not isinstance(wanted, type) or hasattr(wanted, "__origin__"):
        raise ValueError(
            f"{wanted!r} has no name that a worker could import: name it at the top of a module "
            "(Kind = Literal[...]) and write output='module:Kind'"
        )
    if why := unimportable(wanted):
        raise ValueError(why)
    return reference(wanted)


def input_names(form: Any) -> frozenset[str] | None:
    """The fields of inputs of a form; ``None`` where there may be others too."""
    wanted = find(form) if isinstance(form, str) else form
    if isinstance(wanted, type) and issubclass(wanted, BaseModel):
        if wanted.model_config.get("extra") == "allow":
            return None
        return frozenset(wanted.model_fields)
    if isinstance(wanted, dict):
        schema = wanted
    else:
        schema = TypeAdapter(wanted).json_schema()
        schema.setdefault("additionalProperties", False)
    if schema.get("type") != "object":
        return frozenset()
    if schema.get("additionalProperties", True) is not False:
        return None
    return frozenset(schema.get("properties", ()))


# ---------------------------------------------------------------- tools
class Declared:
    """The tools that a field names: their names, and what is to be declared with them."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.functions: dict[str, Callable[..., Any]] = {}
        self.uses: dict[str, Use | SubAgent] = {}


def declared_tools(given: Iterable[Any] | Mapping[str, Any]) -> Declared:
    """Reads what a field says of tools.

    Args:
        given: Names of tools that the agent declares; functions, or their references
            (``module:function``); and ``use("tools", ...)``. In a mapping each has the name that it
            is declared by.

    Raises:
        ValueError: It is none of these, or two have one name.
    """
    pairs = given.items() if isinstance(given, Mapping) else ((None, each) for each in given)
    found = Declared()
    for label, each in pairs:
        thing = _found(each)
        if isinstance(thing, Use):
            if thing.kind != "tools":
                raise ValueError(f"a use of {thing.kind!r} is no tool")
            name = label or thing.target.rpartition(":")[2].rpartition(".")[2]
            found.uses[name] = thing
        elif isinstance(thing, SubAgent):
            if label is None:
                raise ValueError("a sub-agent needs a name, as in tools={'reader': sub_agent(...)}")
            name = label
            found.uses[name] = thing
        elif callable(thing):
            marked: ToolDeclaration | None = getattr(thing, "__headrace_tool__", None)
            named = marked.name if marked is not None else None
            name = label or named or str(getattr(thing, "__name__", thing))
            found.functions[name] = thing
        elif isinstance(thing, str) and label is None:
            name = thing
        else:
            raise ValueError(f"{each!r} is no tool: give a name, a function, or use('tools', ...)")
        if name in found.names:
            raise ValueError(
                f"two tools are called {name!r}: name them, as in tools={{'a': ..., 'b': ...}}"
            )
        found.names.append(name)
    return found


def _found(given: Any) -> Any:
    """A function for its reference; everything else as it is."""
    if not isinstance(given, str) or ":" not in given:
        return given
    try:
        thing = find(given)
    except ResourceError as error:
        raise ValueError(str(error)) from None
    if not callable(thing) or inspect.isclass(thing):
        raise ValueError(f"{given} is no function")
    return thing
