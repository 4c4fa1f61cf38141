"""Parameters of tools that the runtime fills in, and that a model neither sees nor sets.

A tenant, a region, the customer whose run it is: what a tool must know and a model must not decide.
The parameter's type says where its value comes from::

    @tool()
    def orders(self, status: str, tenant: Annotated[str, FromMemory("user.tenant")]) -> list[str]:
        \"\"\"Lists orders.\"\"\"

It is in no schema and in no request; a model that gives an argument of that name is refused. Where
the value is not there, the tool is not run, and who called it is told what is missing.
"""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, get_args

from pydantic import BaseModel

__all__ = [
    "CONTEXT_NAMES",
    "FromConfig",
    "FromContext",
    "FromMemory",
    "Source",
    "descend",
    "hidden_parameters",
    "read_source",
]

CONTEXT_NAMES: Final = (
    "agent",
    "event_id",
    "input",
    "key",
    "run_id",
    "sensory",
    "timestamp",
)
"""What ``FromContext`` knows; ``input`` and ``sensory`` take a path: ``input.customer.id``."""


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a value comes from.

    Args:
        path: Names joined by dots.
    """

    path: str
    what: ClassVar[str] = ""

    def __post_init__(self) -> None:
        """Refuses a path that names nothing."""
        if not isinstance(self.path, str) or not all(self.path.split(".")):
            raise ValueError(f"{type(self).__name__} takes names joined by dots: {self.path!r}")

    def __str__(self) -> str:
        return f"{self.what}:{self.path}"


@dataclass(frozen=True, slots=True)
class FromMemory(_Source):
    """The value is in the key's short-term memory.

    ``FromMemory("user.tenant")`` is the name ``user.tenant``, else ``memory["user", "tenant"]``,
    else the field ``tenant`` of what ``memory["user"]`` holds.
    """

    what = "memory"


@dataclass(frozen=True, slots=True)
class FromConfig(_Source):
    """The value is one of ``ctx.config``, or else of the agent's fields; or a part of one.

    ``FromConfig("shop.currency")`` is the value ``currency`` in the table ``shop``.
    """

    what = "config"


@dataclass(frozen=True, slots=True)
class FromContext(_Source):
    """The value is the run's.

    ``key``; ``agent``, its name (of a team's member and a sub-agent: both names); ``run_id``,
    ``event_id``, ``timestamp``; ``input`` (also ``input.customer.id``; of a sub-agent its own); and
    ``sensory.NAME`` of the run's scratch memory.
    """

    what = "context"


Source = FromMemory | FromConfig | FromContext
"""Where the value of a hidden parameter comes from."""

_SOURCES: dict[str, type[Source]] = {
    source.what: source for source in (FromMemory, FromConfig, FromContext)
}


def read_source(text: str) -> Source:
    """A source from its text: ``memory:user.tenant``, ``config:region``, ``context:key``.

    Raises:
        ValueError: It is none.
    """
    what, colon, path = text.partition(":")
    if not colon or what not in _SOURCES:
        raise ValueError(
            f"{text!r} names no source: write memory:PATH, config:NAME or context:NAME"
        )
    return _SOURCES[what](path)


def hidden_parameters(
    function: Callable[..., Any], also: Mapping[str, Source] | None = None
) -> tuple[dict[str, Source], list[str]]:
    """A function's hidden parameters, and what is wrong with how they are declared.

    Args:
        function: The tool.
        also: Those that were declared beside the function (a builder's, YAML's).

    Raises:
        NameError: A type cannot be had at run time.
    """
    hints = typing.get_type_hints(inspect.unwrap(function), include_extras=True)
    parameters = inspect.signature(function).parameters
    found: dict[str, Source] = {}
    faults: list[str] = []
    for name, parameter in parameters.items():
        hint = hints.get(name)
        sources = [one for one in getattr(hint, "__metadata__", ()) if isinstance(one, Source)]
        if hint is not None and _misplaced(hint):
            faults.append(
                f"the parameter {name!r} has a source inside its type, where it hides nothing: "
                "write Annotated[TYPE, FromMemory(...)] around the whole type"
            )
        given = (also or {}).get(name)
        if given is not None:
            sources.append(given)
        if not sources:
            continue
        if len(set(sources)) > 1:
            named = " and ".join(str(one) for one in dict.fromkeys(sources))
            faults.append(f"the parameter {name!r} has two sources: {named}")
        if parameter.default is not parameter.empty:
            faults.append(
                f"the parameter {name!r} comes from {sources[0]} and has a default: where the "
                "value is missing the tool is not run, so leave the default out"
            )
        if any(getattr(one, "description", None) for one in getattr(hint, "__metadata__", ())):
            faults.append(
                f"the parameter {name!r} is hidden, and described for the model: drop one"
            )
        found[name] = sources[0]
    unknown = [name for name in also or {} if name not in parameters]
    faults += [f"there is no parameter {name!r} to hide" for name in unknown]
    for name, source in found.items():
        if isinstance(source, FromContext):
            first, dot, _ = source.path.partition(".")
            if first not in CONTEXT_NAMES or (dot and first not in {"input", "sensory"}):
                known = ", ".join(CONTEXT_NAMES)
                faults.append(f"the parameter {name!r}: the context has no {source.path!r} (it "
                              f"has: {known})")  # fmt: skip
            elif source.path == "sensory":
                faults.append(f"the parameter {name!r}: name what of it, as in sensory.tenant")
    return found, faults


def _misplaced(hint: Any) -> bool:
    """Whether a source stands where it has no effect, so that the model would set the value."""
    metadata = getattr(hint, "__metadata__", ())
    if any(isinstance(one, type) and issubclass(one, _Source) for one in metadata):
        return True  # FromMemory, and not FromMemory("...")
    inner = get_args(hint)[:1] if metadata else get_args(hint)
    return any(_within(part, set()) for part in inner) or (
        not metadata and _within_model(hint, set())
    )


def _within(hint: Any, seen: set[int]) -> bool:
    metadata = getattr(hint, "__metadata__", ())
    if any(_is_source(one) for one in metadata):
        return True
    return _within_model(hint, seen) or any(_within(part, seen) for part in get_args(hint))


def _within_model(hint: Any, seen: set[int]) -> bool:
    if not (isinstance(hint, type) and issubclass(hint, BaseModel)) or id(hint) in seen:
        return False
    seen.add(id(hint))
    return any(
        any(_is_source(one) for one in field.metadata) or _within(field.annotation, seen)
        for field in hint.model_fields.values()
    )


def _is_source(one: Any) -> bool:
    return isinstance(one, _Source) or (isinstance(one, type) and issubclass(one, _Source))


def descend(value: Any, parts: typing.Sequence[str]) -> Any:
    """What a path leads to, through mappings, models and dataclasses.

    Raises:
        KeyError: It leads nowhere.
    """
    for part in parts:
        if isinstance(value, Mapping):
            value = value[part]
        elif part in _fields(value):
            value = getattr(value, part)
        else:
            raise KeyError(part)
    return value


def _fields(value: Any) -> set[str]:
    if isinstance(value, BaseModel):
        return set(type(value).model_fields)
    return {each.name for each in dataclasses.fields(value)} if _is_dataclass(value) else set()


def _is_dataclass(value: Any) -> bool:
    return dataclasses.is_dataclass(value) and not isinstance(value, type)
