"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from headrace_skills._text import one_line
from headrace_skills.checking._rules import RULES

if TYPE_CHECKING:
    from pathlib import Path

    from headrace_skills.checking._rule import Level

__all__ = ["Fault", "Found", "Report"]

_SAME = 50  # faults of one rule that are told
_MESSAGE = 400  # characters


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a skill, and where it is."""

    file: str
    """The file's path in the skill's folder, with slashes; empty for the place itself."""
    line: int
    """Its line, from 1."""
    column: int
    """Its column, in characters, from 1."""
    rule: str
    """The rule's id: a key of ``RULES``."""
    message: str
    """What is wrong, on one line, without characters that are not seen."""
    mend: str
    """What to do about it."""
    loads: bool = True
    """Whether lenient reading (``read_skill``) takes the skill all the same."""

    @property
    def level(self) -> Level:
        """How bad it is."""
        return RULES[self.rule].level


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in one skill."""

    root: Path
    """Its folder, or the archive that cannot be unpacked."""
    place: str
    """What people call that folder: as it was named, or its path in an archive."""
    name: str
    """The skill's name, as far as it can be told."""
    faults: tuple[Fault, ...] = ()
    """All faults: those of the SKILL.md first, each file's in their order."""

    @property
    def valid(self) -> bool:
        """Whether it is a skill by the standard."""
        return not any(RULES[one.rule].standard or not one.loads for one in self.faults)

    @property
    def loads(self) -> bool:
        """Whether lenient reading takes it."""
        return all(one.loads for one in self.faults)

    def count(self, level: Level) -> int:
        """Tell how many faults of a level there are."""
        return sum(one.level == level for one in self.faults)


@dataclass(slots=True)
class Found:
    """The faults of one skill while they are being found."""

    file: str = "SKILL.md"
    """The name of its SKILL.md."""
    faults: list[Fault] = field(default_factory=list)

    def add(
        self,
        rule: str,
        message: str,
        *,
        file: str = "",
        at: tuple[int, int] = (1, 1),
        mend: str = "",
        loads: bool = True,
    ) -> None:
        """Note a fault.

        Args:
            rule: The rule's id.
            message: What is wrong here.
            file: The file; the SKILL.md if empty.
            at: Line and column.
            mend: What to do; what the rule says if empty.
            loads: Whether lenient reading takes it.
        """
        if sum(one.rule == rule for one in self.faults) >= _SAME:
            return
        line, column = at
        self.faults.append(
            Fault(
                file or self.file,
                line,
                column,
                rule,
                one_line(message, _MESSAGE),
                one_line(mend or RULES[rule].mend, _MESSAGE),
                loads,
            )
        )

    def in_order(self) -> tuple[Fault, ...]:
        """Give them by place."""
        return tuple(
            sorted(
                dict.fromkeys(self.faults),
                key=lambda one: (one.file != self.file, one.file, one.line, one.column, one.rule),
            )
        )
