"""What ``agents run`` is asked to do, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace_cli._files import STANDARD

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from headrace.plan import AgentPlan

__all__ = ["Job", "Summary"]


@dataclass(frozen=True, slots=True)
class Job:
    """One run of an agent over a file or stdin."""

    plan: AgentPlan
    """The agent."""
    engine: str
    """``local`` or ``flink``."""
    input: Path | None
    """The input; ``None`` is stdin."""
    output: Path | None
    """The output; ``None`` is stdout."""
    key: str | None
    """The field that is the key; the input itself where ``None``."""
    form: str | None
    """The form of the input; by the file's name where ``None``."""
    state: Path | None
    """The state file."""
    dead_letters: Path | None
    """The file of dead letters."""
    approvals: Path | None
    """The file of requests for somebody's decision."""
    events: Path | None
    """The event log: its file; on Flink the folder of its files."""
    record: Path | None
    """The file of the recording."""
    metrics: tuple[str, int] | None
    """The address and the port where metrics are shown."""
    parallelism: int
    """Flink: how many workers."""
    options: Mapping[str, str]
    """Flink: its settings."""
    import_path: Path
    """The folder that the agent's modules are imported from."""


@dataclass(slots=True)
class Summary:
    """What a job did."""

    agent: str
    """The agent's name."""
    engine: str
    """The engine's name."""
    output: str = STANDARD
    """Where the outputs went."""
    inputs: int = 0
    """Inputs that were read."""
    outputs: int = 0
    """Outputs that were sent."""
    dead_letters: int = 0
    """Inputs that were put aside."""
    last_error: str | None = None
    """What the newest of them failed by."""
    skipped: int = 0
    """Inputs whose runs failed and were dropped."""
    handed_back: int = 0
    """Inputs that were begun and not finished."""
    held: int = 0
    """Of these, those whose runs wait for somebody's decision."""
    seconds: float = 0.0
    """How long it took."""
    stopped: bool = False
    """Whether a signal ended it."""

    @property
    def rate(self) -> float:
        """Inputs a second."""
        return self.inputs / self.seconds if self.seconds > 0 else 0.0

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "agent": self.agent,
            "engine": self.engine,
            "output": self.output,
            "inputs": self.inputs,
            "outputs": self.outputs,
            "dead_letters": self.dead_letters,
            "last_error": self.last_error,
            "skipped": self.skipped,
            "handed_back": self.handed_back,
            "held": self.held,
            "seconds": round(self.seconds, 3),
            "inputs_per_second": round(self.rate, 1),
            "stopped": self.stopped,
        }

    def as_text(self) -> str:
        """One line for people."""
        parts = [
            f"{self.inputs:,} inputs",
            f"{self.outputs:,} outputs",
            f"{self.dead_letters:,} dead letters",
        ]
        if self.skipped:
            parts.append(f"{self.skipped:,} skipped")
        if self.handed_back > self.held:
            parts.append(f"{self.handed_back - self.held:,} handed back")
        if self.held:
            parts.append(f"{self.held:,} waiting for a decision")
        return (
            f"{self.agent} on the {self.engine} engine: {', '.join(parts)} "
            f"in {self.seconds:.1f} s ({self.rate:,.0f} inputs/s)"
            + (", stopped by a signal" if self.stopped else "")
        )
