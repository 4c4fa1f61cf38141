"""What is wrong with the policies of an agent's models, found when it is compiled."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from headrace.declarations import CONNECTIONS
from headrace.errors import Fault
from headrace.models.policy import SHARED, Breaker, ModelPolicy, Prices
from headrace.policy import FailurePolicy
from headrace.values import digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headrace.declarations import Use
    from headrace.plan import ResourceProvider

__all__ = ["MODELS", "check_models", "read_policy"]

MODELS = ("chat_models", "embedding_models")
"""The kinds that have a policy."""
_NESTED: dict[str, type[BaseModel]] = {
    "breaker": Breaker,
    "prices": Prices,
    "retry": FailurePolicy,
}


def read_policy(declared: Use, where: str) -> tuple[ModelPolicy | None, list[Fault]]:
    """The policy that a declaration gives, and what is wrong with it."""
    if declared.policy is None:
        return None, []
    if declared.kind not in (*MODELS, CONNECTIONS):
        return None, [Fault(where, "only models have a policy: leave out with_policy(...)")]
    try:
        return ModelPolicy.model_validate(dict(declared.policy)), []
    except ValidationError as error:
        return None, [_fault(found, where) for found in error.errors()]


def check_models(
    agent: str, providers: Mapping[str, Mapping[str, ResourceProvider]]
) -> list[Fault]:
    """What is wrong between the policies of an agent's models."""
    faults: list[Fault] = []
    for kind in MODELS:
        faults += _fallbacks(agent, providers.get(kind, {}))
    return faults + list(_groups(agent, providers))


def _groups(agent: str, providers: Mapping[str, Mapping[str, ResourceProvider]]) -> Iterator[Fault]:
    """Looks whether those that share limits say the same of them."""
    groups: dict[str, tuple[str, Any]] = {}
    for provider in (one for kind in MODELS for one in providers.get(kind, {}).values()):
        policy = provider.policy or ModelPolicy()
        name = policy.group or f"{provider.target} {digest(provider.arguments)}"
        says = policy.model_dump(include=set(SHARED))
        first, said = groups.setdefault(name, (provider.name, says))
        if said == says:
            continue
        if policy.group is not None:
            shared = f"it shares the limits of the group {name!r} with {first!r}"
            hint = f"give both the same: {', '.join(SHARED)}"
        else:
            shared = f"it is the same model as {first!r}, whose limits it shares"
            hint = f"give both the same ({', '.join(SHARED)}), or this one a group of its own"
        yield Fault(f"{agent}.{provider.name}", f"{shared}, and says something else of them", hint)


def _fallbacks(agent: str, models: Mapping[str, ResourceProvider]) -> Iterator[Fault]:
    """Looks where the fallbacks of one kind of model lead."""
    following = {
        name: provider.policy.fallback
        for name, provider in models.items()
        if provider.policy is not None and provider.policy.fallback is not None
    }
    for name, fallback in following.items():
        if fallback not in models:
            yield Fault(
                f"{agent}.{name}",
                f"the fallback {fallback!r} is none of the agent's {models[name].kind} "
                f"({', '.join(sorted(models))})",
                f"declare it: {fallback} = use({models[name].kind!r}, ...)",
            )
            continue
        chain = [name]
        while (further := following.get(chain[-1])) is not None and further not in chain:
            chain.append(further)
        if further == name:
            yield Fault(
                f"{agent}.{name}", f"its fallbacks lead in a circle: {' -> '.join([*chain, name])}"
            )


def _fault(found: Any, where: str) -> Fault:
    place = [str(part) for part in found["loc"]]
    near: list[str] = []
    if found["type"] == "extra_forbidden":
        of = _NESTED.get(place[0], ModelPolicy) if place[1:] else ModelPolicy
        near = difflib.get_close_matches(place[-1], of.model_fields, 1)
    hint = f"did you mean {near[0]}?" if near else ""
    return Fault(f"{where}: policy.{'.'.join(place)}", found["msg"], hint)
