"""The errors of packing, unpacking and archives."""

from __future__ import annotations

from headrace_skills.errors import SkillError

__all__ = ["ArchiveError", "PackingError"]


class PackingError(SkillError):
    """A folder that no distribution can be made of as it is; the text says what to change."""


class ArchiveError(SkillError):
    """A wheel or a zip that is not unpacked: broken, hostile, too large, or no skill."""
