"""The errors of headrace-skills."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.errors import NonRetryableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace_skills._model import BrokenSkill, Skill

__all__ = [
    "SandboxError",
    "SkillBrokenError",
    "SkillConflictError",
    "SkillError",
    "SkillFormatError",
    "SkillNotFoundError",
    "SkillNotGrantedError",
    "SkillPathError",
]


class SkillError(NonRetryableError):
    """The base of what can be wrong with skills: trying again mends none of it."""


class SkillFormatError(SkillError):
    """A SKILL.md that cannot be read; the text is the reason, with the line where there is one."""


class SkillPathError(SkillError):
    """A path that leads out of a skill's folder, or to nothing that may be read there."""


class SandboxError(SkillError):
    """A sandbox that there is not, or that could not run a command at all."""


class _DescribedError(SkillError):
    """An error that is made of values, and is pickled by them (workers send errors home)."""

    def __init__(self, message: str, *made_of: Any) -> None:
        super().__init__(message)
        self._made_of = made_of

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._made_of


class SkillNotFoundError(_DescribedError):
    """No skill of that name was found.

    Attributes:
        name: The name that was asked for.
        nearest: Names that were found and look like it, the nearest first.
    """

    def __init__(self, name: str, found: Sequence[str] = ()) -> None:
        from difflib import get_close_matches  # only a failure pays for it

        self.name = name
        self.nearest = tuple(get_close_matches(name, found, n=3, cutoff=0.6))
        lines = [f"there is no skill {name!r}, neither installed nor in the folders that are named"]
        if self.nearest:
            lines.append("did you mean " + " or ".join(map(repr, self.nearest)) + "?")
        elif found:
            lines.append("found were: " + ", ".join(sorted(found)))
        super().__init__("\n    ".join(lines), name, tuple(found))


class SkillNotGrantedError(_DescribedError):
    """A skill needs what the project does not grant it.

    Attributes:
        skill: Its name.
        missing: For each kind of grant, what is lacking, and all that the grant would then hold.
    """

    def __init__(
        self, skill: str, missing: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]
    ) -> None:
        import json  # only a failure pays for it

        self.skill = skill
        self.missing = missing
        asked = "; ".join(f"{kind} {' '.join(lacking)}" for kind, (lacking, _) in missing.items())
        lines = "\n".join(
            f"    {kind} = {json.dumps(list(wanted))}" for kind, (_, wanted) in missing.items()
        )
        super().__init__(
            f"the skill {skill!r} asks for what the project does not grant: {asked}\n"
            f"    to grant it, add to pyproject.toml:\n\n    [tool.agents.grants.{skill}]\n{lines}",
            skill,
            missing,
        )


class SkillBrokenError(_DescribedError):
    """The skill was found, and cannot be used.

    Attributes:
        broken: What was found, with the reason.
    """

    def __init__(self, broken: BrokenSkill) -> None:
        self.broken = broken
        super().__init__(
            f"the skill {broken.name!r} of {broken.source} cannot be used: {broken.reason}\n"
            f"    it stands in {broken.root}",
            broken,
        )


class SkillConflictError(_DescribedError):
    """Several places have a skill of one name, and nothing chooses.

    Attributes:
        claims: All of them.
    """

    def __init__(self, claims: Sequence[Skill]) -> None:
        self.claims = tuple(claims)
        first = self.claims[0]
        places = "\n".join(f"    {one.source} ({one.root})" for one in self.claims)
        super().__init__(
            f"{len(self.claims)} places have a skill {first.name!r}:\n{places}\n"
            f"    choose one: choose={{{first.name!r}: {first.place!r}}}",
            self.claims,
        )
