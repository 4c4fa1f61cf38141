"""What is wrong with a policy: all of it at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.errors import ResourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from headrace.errors import Fault

__all__ = ["PolicyError"]


class PolicyError(ResourceError):
    """A policy that cannot be followed.

    Attributes:
        source: The file, the resource of a package, or ``policy`` for one that the plan holds.
        faults: All that was found, each with its line (of a file) and its place.
    """

    def __init__(self, source: str, faults: Sequence[Fault]) -> None:
        self.source = source
        self.faults = tuple(faults)
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        lines = "\n".join(f"  {number}. {fault}" for number, fault in enumerate(self.faults, 1))
        super().__init__(f"the policy {source!r} has {count}:\n{lines}")

    def __reduce__(self) -> tuple[type[PolicyError], tuple[str, tuple[Fault, ...]]]:
        return type(self), (self.source, self.faults)
