"""Finding skills by what is asked: a full-text index in memory (BM25, by SQLite's FTS5).

A name and a description say what a skill is for in its author's words; its headings and its body
say it in the words of the work. All of them are searched, what is said first weighs most.
"""

from __future__ import annotations

import re
import sqlite3
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from headrace_skills._confined import read_child
from headrace_skills.errors import SkillError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from headrace_skills._model import Skill

__all__ = ["FoundSkill", "SkillIndex"]

BODY, SHORT_BODY = 6_000, 600
"""Bytes of a body whose words are indexed: what a skill is for stands at its start."""
MANY = 2_000
"""With more skills than this, the short form is taken: an index is built when a worker starts."""
MAX_WORDS = 200
"""Different words of a request that are looked at."""
MAX_TERMS = 16
"""Words that are searched for, the rarest first: a long log costs what a line does."""
_FRONTMATTER = 4_096  # bytes that are read for it, beyond those of the body
_FEW = 100
"""A word that more skills have than this, and a tenth of all, tells little between them."""

_WORD = re.compile(r"[^\W_]{2,}")
_HEADING = re.compile(r"(?m)^#{1,6}[ \t]+(.+)$")
_WEIGHTS = (8.0, 4.0, 2.0, 1.0)  # name, description, headings, body


@dataclass(frozen=True, slots=True)
class FoundSkill:
    """A skill that a request is near to."""

    skill: Skill
    """The skill."""
    score: float
    """How near, over 0; scores of one search may be compared."""


class SkillIndex:
    """A full-text index of skills; safe to search from several threads.

    Args:
        skills: The skills.
        bodies: Whether to read and index their bodies too. It finds more, and takes longer to
            build.
    """

    def __init__(self, skills: Iterable[Skill], *, bodies: bool = True) -> None:
        self._skills = tuple(skills)
        self._lock = threading.Lock()
        length = 0 if not bodies else SHORT_BODY if len(self._skills) > MANY else BODY
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        self._database.executescript(
            """
            PRAGMA journal_mode = OFF;
            CREATE VIRTUAL TABLE skills USING fts5(
                name, description, headings, body,
                content = '', tokenize = "porter unicode61 remove_diacritics 2"
            );
            """
        )
        with self._database:
            self._database.executemany(
                "INSERT INTO skills(rowid, name, description, headings, body) VALUES (?,?,?,?,?)",
                ((number, *_texts(skill, length)) for number, skill in enumerate(self._skills)),
            )

    def search(self, request: str, limit: int = 5) -> list[FoundSkill]:
        """The skills that are nearest to a request, best first; none that shares no word with it.

        Args:
            request: What is asked, in any words; it is no query language.
            limit: How many at most.
        """
        words = dict.fromkeys(word.lower() for word in _WORD.findall(request[:20_000]))
        if not words or limit < 1:
            return []
        with self._lock:
            terms = self._telling(list(words)[:MAX_WORDS])
            if not terms:
                return []
            rows = self._database.execute(
                "SELECT rowid, bm25(skills, ?, ?, ?, ?) AS far FROM skills WHERE skills MATCH ? "
                "ORDER BY far, rowid LIMIT ?",
                (*_WEIGHTS, " OR ".join(f'"{term}"' for term in terms), limit),
            ).fetchall()
        return [FoundSkill(self._skills[row], -far) for row, far in rows]

    def close(self) -> None:
        """Gives the memory back."""
        with self._lock:
            self._database.close()

    def _telling(self, words: Sequence[str]) -> list[str]:
        """The words that tell skills apart, the rarest first; else the common ones."""
        many = max(_FEW, len(self._skills) // 10)
        counts = []
        for word in words:
            (found,) = self._database.execute(
                "SELECT count(*) FROM (SELECT 1 FROM skills WHERE skills MATCH ? LIMIT ?)",
                (f'"{word}"', many),
            ).fetchone()
            if found:
                counts.append((found, word))
        counts.sort(key=lambda one: one[0])  # stable: of equal ones, those said first
        rare = [word for found, word in counts if found < many]
        return (rare or [word for _, word in counts])[:MAX_TERMS]


def _texts(skill: Skill, length: int) -> tuple[str, str, str, str]:
    body = _body(skill, length) if length else ""
    headings = " \n".join(_HEADING.findall(body))
    return skill.name.replace("-", " "), skill.description, headings, body


def _body(skill: Skill, length: int) -> str:
    try:
        data = read_child(skill.root, skill.file, _FRONTMATTER + length).data
    except SkillError:
        return ""  # it is told when the skill is loaded; the others are found meanwhile
    return data.decode("utf-8", "ignore").partition("\n---")[2][:length]
