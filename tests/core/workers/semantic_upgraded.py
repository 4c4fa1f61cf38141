"""An agent of the semantic suite whose code is changed while runs are under way."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from recovery_agents import note, notes

from headrace import Agent, Context, InputEvent, OutputEvent, RuntimeConfig, action, use

__all__ = ["Upgraded", "upgraded"]


async def effect(folder: str, name: str) -> str:
    """What happens outside, and tells how often it has by now."""
    note(folder, name)
    return f"{name} #{notes(folder).count(name)}"


_CALLS = {"old": "ab", "longer": "abc", "new": "bcb"}


class Upgraded(Agent):
    """Makes calls and then fails its job; the code after it makes others, and does not.

    What the old code did is found again through its action store, as its state is lost.
    """

    folder: str
    code: Literal["old", "longer", "new"] = "new"
    stores: bool = True

    def resources(self) -> dict[str, Any]:
        """The store, if any."""
        if not self.stores:
            return {}
        return {"calls": use("action_stores", "sqlite", path=str(Path(self.folder) / "calls.db"))}

    @action(InputEvent)
    async def work(self, event: InputEvent, ctx: Context) -> None:
        """Makes the calls of its code."""
        said = [await ctx.call(effect, self.folder, name) for name in _CALLS[self.code]]
        if self.code == "old":
            raise ValueError("the old code fails here")
        ctx.send(OutputEvent(output={"said": said, "attempt": ctx.attempt}))


def upgraded(journal_errors: str) -> type[Upgraded]:
    """The agent with a setting."""
    return _SETTINGS[journal_errors]


class Failing(Upgraded):
    """As it is when nobody says anything."""

    config = RuntimeConfig(job="upgraded")


class Rerunning(Upgraded):
    """Goes the new path."""

    config = RuntimeConfig(job="upgraded", journal_errors="rerun")


class Lettering(Upgraded):
    """Puts the input aside."""

    config = RuntimeConfig(job="upgraded", journal_errors="dead_letter")


_SETTINGS: dict[str, type[Upgraded]] = {
    "fail": Failing,
    "rerun": Rerunning,
    "dead_letter": Lettering,
}
