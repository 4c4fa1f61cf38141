"""For plugins that ask a provider: its own options, and how they go with what is typed.

Options are passed on by the names that they have at the provider. They add to what a request and a
model's arguments say, and never change it: what is said twice is an error that names both places.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from headrace.chat import ChatRequest

__all__ = ["asked_model", "given_twice", "merged_options", "option_faults"]

MODEL = "model"
_CLIENT = frozenset({"extra_body", "extra_headers", "extra_query", "timeout"})
"""Arguments of the vendors' clients, which are no options of a provider's."""


def option_faults(options: Mapping[str, Any], typed: Collection[str]) -> list[str]:
    """What is wrong with the names of options.

    Args:
        options: Options of a model or of a request.
        typed: Names that are told in another way, or that would change what an answer is.
    """
    faults = []
    for name in options:
        if name in typed:
            faults.append(f"{name} is not an option: it is set by the request and the agent")
        elif name in _CLIENT:
            faults.append(f"{name} is not an option: give the provider's options themselves")
    return faults


def given_twice(
    arguments: Mapping[str, Any],
    options: Mapping[str, Any] | None,
    names: Mapping[str, Collection[str]] | None = None,
) -> list[str]:
    """Which arguments of a model are among its options, too.

    Args:
        arguments: The arguments by name; those that are ``None`` are not given.
        options: The model's options.
        names: For each argument, the options that say the same; its own name where it is left out.
    """
    return [
        f"{argument} is given twice: as itself and in options"
        for argument, value in arguments.items()
        if value is not None
        and any(name in (options or {}) for name in (names or {}).get(argument, (argument,)))
    ]


def asked_model(request: ChatRequest, model: str) -> str:
    """The model that a request asks: its own (``options={"model": ...}``), or the one declared.

    Raises:
        ModelError: ``bad_request``: what it names is no model.
    """
    asked = request.options.get(MODEL, model)
    if not isinstance(asked, str) or not asked.strip():
        raise ModelError(
            "options of the request: model must be a name, as the provider calls it",
            code="bad_request",
        )
    return asked


def merged_options(
    request: ChatRequest,
    options: Mapping[str, Any],
    *,
    typed: Collection[str],
    fields: Mapping[str, Collection[str]],
) -> dict[str, Any]:
    """The options of one request: its own win over the model's, its fields over both.

    The model that it may name is not among them (``asked_model``).

    Args:
        request: What is asked.
        options: The model's own options.
        typed: As for ``option_faults``.
        fields: For each field of a request, the options that say the same.

    Raises:
        ModelError: ``bad_request``: an option that is none, or that says again what a field says.
    """
    own = {name: value for name, value in request.options.items() if name != MODEL}
    faults = option_faults(own, typed)
    said = {
        option: field
        for field, names in fields.items()
        if getattr(request, field) not in (None, ())
        for option in names
    }
    faults += [
        f"{option} is given twice: as an option and as the request's {said[option]}"
        for option in own
        if option in said
    ]
    if faults:
        raise ModelError(f"options of the request: {'; '.join(faults)}", code="bad_request")
    kept = {name: value for name, value in options.items() if name not in said}
    return {**kept, **own}
