"""Layers of settings, and how they are put into a plan.

A plan has every setting's value, and for each that is not the default the layer that said it. So a
layer may be put in at any time: it gives way to what a higher one has said already.
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ValidationError

from headrace.config import RuntimeConfig
from headrace.errors import Fault, HeadraceError, MemoryValueError, NonRetryableError, ResourceError
from headrace.references import find
from headrace.settings._table import nearest, runtime_settings, setting_names
from headrace.settings._values import flattened, placed, secret_name
from headrace.values import decode, encode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from headrace.plan import AgentPlan

    LayerName: TypeAlias = Literal["cluster", "project", "environment", "code", "set"]

__all__ = [
    "LAYERS",
    "PREFIX",
    "Layer",
    "SettingError",
    "check_complete",
    "cluster_layer",
    "environment_layer",
    "said_in_code",
    "settled",
    "settled_here",
]

LAYERS: Final[tuple[LayerName, ...]] = ("cluster", "project", "environment", "code", "set")
"""The layers above the defaults, the strongest last."""
VALUES = "values"
"""The group of the project's own values."""
PREFIX = "headrace."
"""What names in a cluster's own configuration begin with."""
_VARIABLE = "HEADRACE_SET_"


class SettingError(NonRetryableError):
    """Settings that are none, or do not fit. ``faults`` has all of them, each with its place."""

    def __init__(self, agent: str, faults: Sequence[Fault]) -> None:
        self.agent = agent
        self.faults = tuple(faults)
        lines = "\n".join(f"  {one}" for one in self.faults)
        super().__init__(f"settings of {agent!r} are wrong:\n{lines}")

    def __reduce__(self) -> tuple[type[SettingError], tuple[str, tuple[Fault, ...]]]:
        return type(self), (self.agent, self.faults)


@dataclass(frozen=True, slots=True)
class Layer:
    """What one place says of settings."""

    name: LayerName
    """Which layer it is."""
    said: Mapping[str, Any]
    """What it says by dotted names: ``max_in_flight``, ``budget.calls``, ``values.tenant``.
    A text may stand for what it reads as."""
    places: Mapping[str, str] = field(default_factory=dict)
    """Where each is said, for people; the layer's name where it lacks one."""

    def where(self, name: str) -> str:
        """Where a setting is said, by itself or as part of a group."""
        while name not in self.places and "." in name:
            name = name.rpartition(".")[0]
        return self.places.get(name, self.name)


def environment_layer(variables: Mapping[str, str] | None = None) -> Layer:
    """What ``HEADRACE_SET_...`` variables say.

    Args:
        variables: The environment; this process's where ``None``.
    """
    found = os.environ if variables is None else variables
    said: dict[str, Any] = {}
    places: dict[str, str] = {}
    for variable, text in sorted(found.items()):
        if variable.startswith(_VARIABLE):
            name = variable[len(_VARIABLE) :].lower().replace("__", ".")
            said[name] = text
            places[name] = f"environment variable {variable}"
    return Layer("environment", said, places)


def cluster_layer(configuration: Mapping[str, str], where: str = "") -> Layer:
    """What a Flink cluster's own configuration says by keys ``headrace.*``.

    Args:
        configuration: All of it.
        where: The cluster, for people.
    """
    said = {
        key[len(PREFIX) :]: text for key, text in configuration.items() if key.startswith(PREFIX)
    }
    of = f" of {where}" if where else ""
    return Layer(
        "cluster", said, {name: f"{PREFIX}{name} in Flink's configuration{of}" for name in said}
    )


def said_in_code(config: RuntimeConfig | Mapping[str, Any], values: Mapping[str, Any]) -> list[str]:
    """The names of the settings that an agent's code says; a group is said as a whole."""
    top = config.model_fields_set if isinstance(config, RuntimeConfig) else config.keys()
    names = [
        name for one in RuntimeConfig.model_fields if one in top for name in setting_names(one)
    ]
    return [*names, *(f"{VALUES}.{name}" for name in flattened(values))]


def settled(plan: AgentPlan, *layers: Layer) -> AgentPlan:
    """The plan with what layers say, where no higher layer has said it.

    Raises:
        SettingError: A name is none, or a value does not fit: all of them, each with its layer.
    """
    faults: list[Fault] = []
    for layer in layers:
        if layer.said:
            plan = _Settling(plan, layer, faults).plan()
    if faults:
        raise SettingError(plan.name, faults)
    return plan


def settled_here(plan: AgentPlan, cluster: Mapping[str, str] | None = None) -> AgentPlan:
    """The plan as an engine runs it: with the cluster's layer and the environment's.

    Raises:
        SettingError: As ``settled``; or a value that the agent needs is said nowhere.
    """
    made = settled(plan, cluster_layer(cluster or {}), environment_layer())
    check_complete(made)
    return made


def check_complete(plan: AgentPlan) -> None:
    """Refuses a plan that lacks values which its agents need.

    Raises:
        SettingError: It names them, and how to give them.
    """
    stray = [name.partition(".")[2] for name in plan.origins if name.startswith(f"{VALUES}.")]
    faults = []
    for model in _models(plan):
        for error in _errors(model, plan.values):
            name = ".".join(str(part) for part in error["loc"])
            if error["type"] != "missing":
                faults.append(Fault(f"{VALUES}.{name}", error["msg"]))
                continue
            unknown = [one for one in stray if one.partition(".")[0] not in model.model_fields]
            near = nearest(name, unknown) if unknown else ""
            faults.append(
                Fault(
                    f"{VALUES}.{name}",
                    f"nobody says this value, which {model.__name__} needs"
                    + (f" ({near})" if near.startswith("did") else ""),
                    f"write {name} = ... below [tool.agents.values] of pyproject.toml, or give "
                    f"--set {VALUES}.{name}=...",
                )
            )
    if faults:
        raise SettingError(plan.name, faults)


class _Settling:
    """One layer on its way into a plan."""

    def __init__(self, plan: AgentPlan, layer: Layer, faults: list[Fault]) -> None:
        self._plan = plan
        self._layer = layer
        self._faults = faults
        self._rank = LAYERS.index(layer.name)
        self._origins = dict(plan.origins)

    def plan(self) -> AgentPlan:
        config = self._plan.config
        values = self._plan.values
        for name, value in self._layer.said.items():
            if name.partition(".")[0] == VALUES and "." in name:
                values = self._valued(values, name, value)
            else:
                config = self._configured(config, name, value)
        update = {
            "config": config,
            "values": values,
            "origins": dict(sorted(self._origins.items())),
        }
        return self._plan.model_copy(update=update)

    def _fault(self, name: str, message: str, hint: str = "") -> None:
        self._faults.append(Fault(self._layer.where(name), message, hint))

    def _gives_way(self, name: str) -> bool:
        said = self._origins.get(name)
        return said is not None and LAYERS.index(said) > self._rank

    # ------------------------------------------------------------ the runtime's
    def _configured(self, config: RuntimeConfig, name: str, value: Any) -> RuntimeConfig:
        leaves = setting_names(name)
        said = _read(value)
        if isinstance(said, Mapping) and leaves and leaves != (name,):
            for part, one in said.items():  # of a group each part by itself may give way
                config = self._configured(config, f"{name}.{part}", one)
            return config
        above = next((one for one in runtime_settings() if name.startswith(f"{one}.")), None)
        if above is not None and isinstance(getattr(config, above.partition(".")[0]), Mapping):
            leaves = (above,)  # a table by names of the author's
        if not leaves:
            known = (*runtime_settings(), *(f"{VALUES}.{one}" for one in _names(self._plan)))
            why = "" if above is None else f": {above} has no parts"
            self._fault(name, f"there is no setting {name!r}{why}", nearest(name, known))
            return config
        if runtime_settings()[leaves[0]].fixed and self._layer.name == "cluster":
            self._fault(
                name,
                f"{name} is part of what a job's state is, so no cluster may say it",
                "say it in the agent's config, or below [tool.agents.settings]",
            )
            return config
        if self._gives_way(leaves[0]):
            return config
        data = config.model_dump()
        placed(data, name, _read(value))
        try:
            made = RuntimeConfig.model_validate(data)
        except ValidationError as error:
            for one in error.errors():
                self._fault(name, f"{name} = {_shown(value)}: {one['msg']}")
            return config
        self._origins |= dict.fromkeys(leaves, self._layer.name)
        # What was not said stays unsaid, as far as the model itself can tell.
        return made

    # ------------------------------------------------------------ the project's
    def _valued(self, values: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
        own = name.partition(".")[2]
        own = self._as_declared(own)
        dotted = f"{VALUES}.{own}"
        if self._gives_way(dotted):
            return values
        if secret_name(own) and isinstance(value, str):
            self._fault(
                name,
                f"{dotted} looks like a secret, which would stand in the plan",
                f"name the environment variable that holds it: {own}_env",
            )
            return values
        models = _models(self._plan)
        known = {one for model in models for one in model.model_fields}
        top = own.partition(".")[0]
        if self._layer.name == "set" and known and top not in known:
            self._fault(name, f"the agent has no value {top!r}", nearest(top, sorted(known)))
            return values
        faults: list[str] = []
        for candidate in _readings(value):
            made = copy.deepcopy(values)
            try:
                placed(made, own, encode(candidate))
            except (ValueError, MemoryValueError) as error:
                self._fault(name, f"{dotted} = {_shown(value)}: {error}")
                return values
            faults = [
                f"{dotted} = {_shown(value)}: {one['msg']}"
                for model in models
                for one in _errors(model, made)
                if one["type"] != "missing" and str(one["loc"][0]) == top
            ]
            if not faults:
                self._origins[dotted] = self._layer.name
                return dict(sorted(made.items()))
        for fault in faults:
            self._fault(name, fault)
        return values

    def _as_declared(self, own: str) -> str:
        """Environment variables have no small letters: the declared name counts."""
        top, dot, rest = own.partition(".")
        if self._layer.name != "environment":
            return own
        known = {one.lower(): one for one in _names(self._plan)}
        return known.get(top, top) + dot + rest


def _names(plan: AgentPlan) -> list[str]:
    declared = {one for model in _models(plan) for one in model.model_fields}
    return sorted({*plan.values, *declared})


def _models(plan: AgentPlan) -> list[type[BaseModel]]:
    """The models that type the values; one that cannot be imported here types nothing here."""
    found = []
    for one in plan.value_models:
        try:
            model = find(one)
        except ResourceError:
            continue  # the worker has the driver script's; it checks them
        found.append(model)
    return found


def _errors(model: type[BaseModel], values: Mapping[str, Any]) -> list[Any]:
    """What is wrong with stored values by a model."""
    said = {name: decode(one) for name, one in values.items() if name in model.model_fields}
    try:
        model.model_validate(said)
    except ValidationError as error:
        return list(error.errors())
    except HeadraceError as error:
        return [{"loc": (VALUES,), "msg": str(error), "type": "value_error"}]
    return []


def _read(value: Any) -> Any:
    """What a text stands for: JSON, ``none``, else itself; what is no text is taken as it is."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return None if value.lower() == "none" else value


def _readings(value: Any) -> list[Any]:
    """What a value may stand for, the likeliest first: ``7`` may be a text all the same."""
    read = _read(value)
    return [read, value] if isinstance(value, str) and read != value else [read]


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."  # noqa: PLR2004 - a line of a terminal
