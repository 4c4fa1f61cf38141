"""Settings, values of the project's own and parameters, as they stand in a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from headrace.config import read_config
from headrace.errors import MemoryValueError
from headrace.references import unimportable
from headrace.settings import flattened, nearest, secret_name
from headrace.settings._values import plain
from headrace.values import encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

    from headrace.compiling._work import Work
    from headrace.config import RuntimeConfig

__all__ = ["compile_config", "compile_parameters", "compile_values", "stored_values"]


def compile_config(work: Work) -> RuntimeConfig:
    """The runtime's settings."""
    config, faults = read_config(work.definition.config, "config.")
    work.faults += faults
    return config


def compile_values(work: Work) -> dict[str, Any]:
    """The project's own values: the defaults of their model, and what the code says."""
    definition = work.definition
    model = definition.value_model
    where = f"{definition.name}.values"
    said = dict(definition.values)
    if model is not None:
        if why := unimportable(model):
            work.fault(where, why)
        defaults = {
            name: field.get_default(call_default_factory=True)
            for name, field in model.model_fields.items()
            if not field.is_required()
        }
        _check_values(work, model, said, where)
        said = {**defaults, **said}
    return stored_values(work, said, where)


def _check_values(work: Work, model: type[BaseModel], said: dict[str, Any], where: str) -> None:
    for name in said:
        if name not in model.model_fields:
            work.fault(
                where,
                f"{model.__name__} has no value {name!r}",
                nearest(name, model.model_fields),
            )
    try:
        model.model_validate(
            {name: one for name, one in said.items() if name in model.model_fields}
        )
    except ValidationError as error:
        for found in error.errors():
            if found["type"] != "missing":  # a layer may say it yet
                place = ".".join(str(part) for part in found["loc"])
                work.fault(f"{where}.{place}", found["msg"])


def stored_values(work: Work, said: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Values in their stored form; what cannot be stored, or looks like a secret, is a fault."""
    stored: dict[str, Any] = {}
    for name, value in sorted(said.items()):
        for leaf, one in flattened({name: plain(value)}).items():
            if secret_name(leaf) and isinstance(one, str) and one:
                work.fault(
                    f"{where}.{leaf}",
                    "this looks like a secret, which would stand in the plan",
                    f"name the environment variable that holds it: {leaf}_env",
                )
        try:
            stored[name] = encode(plain(value))
        except MemoryValueError as error:
            work.fault(f"{where}.{name}", f"this cannot be part of a plan: {error}")
    return stored


def compile_parameters(work: Work) -> dict[str, Any]:
    """The agent's parameters. Asked last: only actions and tools tell whether it is needed."""
    definition = work.definition
    agent = definition.agent
    values = dict(definition.parameters)
    if agent is not None:
        values |= {name: getattr(agent, name) for name in type(agent).model_fields}
    stored: dict[str, Any] = {}
    for name, value in sorted(values.items()):
        try:
            stored[name] = encode(value)
        except MemoryValueError as error:
            work.fault(
                f"{definition.name}.{name}",
                f"this parameter cannot be part of a plan: {error}",
                "give the parameter as data, and make live objects in a resource",
            )
    if agent is not None and (why := unimportable(type(agent))) and work.needs_instance:
        work.fault(definition.name, why)
    return stored
