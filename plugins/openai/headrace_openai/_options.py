"""Options of the provider, and how they go with what a request says itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from headrace.chat import ChatRequest

__all__ = ["merged_options", "refused_options"]

_CLIENT = frozenset({"extra_body", "extra_headers", "extra_query", "timeout"})
"""Arguments of the client's, which are no options of the provider's."""


def refused_options(options: Mapping[str, Any], typed: Collection[str]) -> list[str]:
    """What is wrong with options.

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


def merged_options(
    request: ChatRequest,
    options: Mapping[str, Any],
    *,
    typed: Collection[str],
    fields: Mapping[str, Collection[str]],
) -> dict[str, Any]:
    """The options of one request: its own win over the model's, its fields over both.

    Args:
        request: What is asked.
        options: The model's own options.
        typed: As for ``refused_options``.
        fields: For each field of a request, the options that say the same.

    Raises:
        ModelError: ``bad_request``: an option that is none, or that says again what a field says.
    """
    faults = refused_options(request.options, typed)
    said = {
        option: field
        for field, names in fields.items()
        if getattr(request, field) not in (None, ())
        for option in names
    }
    faults += [
        f"{option} is given twice: as an option and as the request's {said[option]}"
        for option in request.options
        if option in said
    ]
    if faults:
        raise ModelError(f"options of the request: {'; '.join(faults)}", code="bad_request")
    kept = {name: value for name, value in options.items() if name not in said}
    return {**kept, **request.options}
