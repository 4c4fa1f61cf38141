"""Which calls of a replay are really made."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Literal, get_args

from headrace.calls import kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Mode", "Rules"]

Mode = Literal["recorded", "changed", "all"]
"""``recorded``: never; ``changed``: those that were not recorded; ``all``: every one."""


class Rules:
    """What may be called.

    Args:
        ask: Whether chat models are asked. Where they may be, so are the searches whose results go
            into a request and that change nothing: retrieval, and what toolsets suggest.
        calls: The same for tools, functions and long-term memory, by name or pattern; for one chat
            model, too (``chat:NAME``).

    Attributes:
        unused: The patterns that no call had yet.

    Raises:
        ValueError: There is no such mode.
    """

    def __init__(self, ask: Mode, calls: Mapping[str, Mode]) -> None:
        for mode in (ask, *calls.values()):
            if mode not in get_args(Mode):
                raise ValueError(f"{mode!r} is none of {', '.join(get_args(Mode))}")
        self.ask = ask
        self._calls = dict(calls)
        self.unused = set(calls)

    def mode(self, name: str) -> Mode:
        """Whether a call is made."""
        kind = kind_of(name)
        if kind == "approval":
            return "recorded"  # nobody is there to be asked
        for pattern, mode in self._calls.items():
            if kind == "chat" and not pattern.startswith("chat:"):
                continue  # "*" means tools: models cost money
            short = name.partition(":")[2] if kind == "tool" else name
            if fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(short, pattern):
                self.unused.discard(pattern)
                return mode
        if kind == "chat":
            return self.ask
        if kind in {"retrieval", "suggestions"} and self.ask != "recorded":
            return "changed"
        return "recorded"

    @property
    def live(self) -> bool:
        """Whether anything can be called at all."""
        return self.ask != "recorded" or any(mode != "recorded" for mode in self._calls.values())

    def asks(self, model: str) -> bool:
        """Whether a chat model may be asked."""
        return self.mode(f"chat:{model}") != "recorded"
