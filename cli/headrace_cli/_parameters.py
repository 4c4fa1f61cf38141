"""The parameters of an agent, as typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace_cli._errors import WrongUseError
from headrace_cli._settings import pairs

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["agent_parameters"]


def agent_parameters(texts: Iterable[str], model: str | None) -> dict[str, str]:
    """What ``--param`` and ``--model`` say.

    Raises:
        WrongUseError: A text is not ``NAME=VALUE``, or both name the model.
    """
    found = pairs(texts, "--param")
    if model is not None and found.setdefault("model", model) != model:
        raise WrongUseError("--model and --param model= say two things")
    return found
