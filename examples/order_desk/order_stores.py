"""What the two agents share: a long-term memory, solved cases, and the choice of a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace import use

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["STORES", "chat_model", "stores"]

HERE = Path(__file__).resolve().parent
STORES = str(HERE / "out")
"""The folder that both files are in, unless one says otherwise."""


def stores(folder: str) -> Mapping[str, Any]:
    """The resources by which the agents know of each other: the same files, the same embedder."""
    return {
        "words": use("embedding_models", "lexical"),
        "memories": use("memory", "sqlite", path=f"{folder}/memories.db"),
        "solutions": use(
            "vector_stores", "sqlite-vec", path=f"{folder}/solutions.db", embedder="words"
        ),
    }


def chat_model(name: str, model_name: str) -> Any:
    """The model that was chosen: ``scripted``, or another plugin's."""
    if name == "scripted":
        return use("chat_models", name, policy=str(HERE / "policy.yaml"))
    return use("chat_models", name, model=model_name)
