"""Finding skills by meaning, with the agent's embedder: cosine nearness, all in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace_skills.errors import SkillError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from headrace.interfaces import EmbeddingModel
    from headrace_skills._model import Skill

__all__ = ["Nearness"]

_BATCH = 128  # texts in one call of the embedder


class Nearness:
    """The vectors of skills, and the embedder that made them. Made by ``of``."""

    def __init__(self, skills: Sequence[Skill], embedder: EmbeddingModel, vectors: Any) -> None:
        self._skills = tuple(skills)
        self._embedder = embedder
        self._vectors = vectors  # a row for each skill, of length 1

    @classmethod
    async def of(cls, skills: Sequence[Skill], embedder: EmbeddingModel) -> Nearness:
        """Embeds the names and descriptions of skills.

        Raises:
            SkillError: numpy is not installed, or the embedder's vectors are of different lengths.
            ModelError: The embedder failed.
        """
        texts = [f"{one.name.replace('-', ' ')}: {one.description}" for one in skills]
        rows: list[list[float]] = []
        for start in range(0, len(texts), _BATCH):
            rows += await embedder.embed(texts[start : start + _BATCH])
        return cls(skills, embedder, _unit(rows, len(texts)))

    async def search(self, request: str, limit: int) -> list[Skill]:
        """The skills nearest to a request, best first."""
        import numpy as np

        [row] = _unit(await self._embedder.embed([request]), 1)
        scores = self._vectors @ row
        best = np.argsort(-scores, kind="stable")[:limit]
        return [self._skills[number] for number in best]


def _unit(rows: Sequence[Sequence[float]], count: int) -> Any:
    try:
        import numpy as np
    except ImportError:
        raise SkillError(
            "to find skills by an embedder takes numpy, which is not installed:\n"
            "    pip install 'headrace-skills[embeddings]'"
        ) from None
    if len(rows) != count or len({len(row) for row in rows}) > 1:
        raise SkillError("the embedder gave too few vectors, or vectors of different lengths")
    vectors = np.asarray(rows, dtype=np.float32)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
