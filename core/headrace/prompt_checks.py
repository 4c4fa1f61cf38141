"""What is wrong with an agent's prompts, found when it is compiled."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from headrace.errors import Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from headrace.plan import ResourceProvider

__all__ = ["check_bound", "unknown_prompt"]


def check_bound(
    agent: str, providers: Mapping[str, Mapping[str, ResourceProvider]]
) -> Iterator[Fault]:
    """Looks whether the prompts that are bound to models are there."""
    prompts = providers.get("prompts", {})
    for kind, found in providers.items():
        for name, provider in found.items():
            where = f"{agent}.{name}"
            if provider.prompt is None:
                continue
            if kind != "chat_models":
                yield Fault(where, "only chat models have a prompt: leave out with_prompt(...)")
            elif provider.prompt not in prompts:
                yield unknown_prompt(where, provider.prompt, prompts)


def unknown_prompt(where: str, name: str, prompts: Iterable[str]) -> Fault:
    """A name that is no prompt's, with the nearest one that is."""
    known = sorted(prompts)
    near = difflib.get_close_matches(name, known, 1)
    if near:
        hint = f"did you mean {near[0]!r}?"
    else:
        hint = f"declare it, as in {name} = Prompt(...)" if name.isidentifier() else ""
    return Fault(
        where, f"the agent has no prompt {name!r} (it has: {', '.join(known) or 'none'})", hint
    )
