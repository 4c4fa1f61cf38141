"""mem0 itself: how it is imported, made and closed. All of it on the store's thread."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import sys
import tempfile
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from headrace.errors import ResourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["PROVIDER", "NoHistory", "close_memory", "load", "make_memory"]

PROVIDER = "headrace"
"""The name that our models have in mem0's factories."""
_importing = threading.Lock()


class NoHistory:
    """In the place of mem0's history, which keeps every text that was ever changed or deleted."""

    def get_last_messages(self, scope: str, limit: int = 10) -> list[Any]:  # noqa: ARG002
        """Nothing: what is learned is taken out of what is given."""
        return []

    def add_history(self, *_: Any, **__: Any) -> None:
        """Keeps nothing."""

    def batch_add_history(self, *_: Any) -> None:
        """Keeps nothing."""

    def save_messages(self, *_: Any) -> None:
        """Keeps nothing."""

    def close(self) -> None:
        """Has nothing to close."""


def load() -> Any:
    """mem0's module of memories: no telemetry, nothing in the home folder, no download.

    Raises:
        ResourceError: Something else has imported mem0 with its telemetry on.
    """
    with _importing:
        if "mem0.memory.telemetry" not in sys.modules:
            # It makes a folder and writes an identity into it as soon as it is imported.
            with (
                tempfile.TemporaryDirectory() as folder,
                _environment(MEM0_TELEMETRY="False", MEM0_DIR=folder, ANONYMIZED_TELEMETRY="False"),
            ):
                importlib.import_module("mem0.memory.main")
        if sys.modules["mem0.memory.telemetry"].MEM0_TELEMETRY:
            raise ResourceError(
                "something else in this worker has imported mem0 with its telemetry on, which "
                "cannot be switched off afterwards: set the environment variable "
                "MEM0_TELEMETRY=False"
            )
        main = importlib.import_module("mem0.memory.main")
        logger = logging.getLogger("mem0")
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.WARNING)  # below that it logs what is remembered
        _forbid_downloads()
        factory = importlib.import_module("mem0.utils.factory")
        factory.EmbedderFactory.provider_to_class[PROVIDER] = "headrace_mem0._models.Embedder"
        factory.LlmFactory.register_provider(PROVIDER, "headrace_mem0._models.Extractor")
        return main


def make_memory(provider: str, config: Mapping[str, Any], dimensions: int) -> Any:
    """A mem0 memory over a store of vectors, without its history.

    Args:
        provider: The store, as mem0 calls it.
        config: The store's settings.
        dimensions: The length of the vectors.
    """
    main = load()
    configs = importlib.import_module("mem0.configs.base")
    # Built past mem0's list of the providers that it knows: ours are in its factories.
    embedder = configs.EmbedderConfig.model_construct(provider=PROVIDER, config={})
    llm = configs.LlmConfig.model_construct(provider=PROVIDER, config={})
    memory = main.Memory(
        configs.MemoryConfig(
            vector_store=configs.VectorStoreConfig(
                provider=provider,
                config={
                    "collection_name": "headrace",
                    "embedding_model_dims": dimensions,
                    **config,
                },
            ),
            embedder=embedder,
            llm=llm,
            history_db_path=":memory:",
        )
    )
    memory.db.close()
    memory.db = NoHistory()
    if provider == "qdrant":
        # Else it fetches a model for keywords where it finds fastembed.
        memory.vector_store._bm25_encoder = False  # noqa: SLF001
    return memory


def close_memory(memory: Any) -> None:
    """Closes a memory and what it leaves open: the client of its store, and with it its lock."""
    memory.close()
    for name in ("client", "connection_pool"):
        held = getattr(memory.vector_store, name, None)
        if callable(close := getattr(held, "close", None)):
            close()


def _forbid_downloads() -> None:
    """Keeps mem0 from fetching a language model, which it does where it finds spaCy."""
    spacy: Any = importlib.import_module("mem0.utils.spacy_models")
    spacy._load_failed_full = spacy._load_failed_lemma = True  # noqa: SLF001


@contextmanager
def _environment(**values: str) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                with suppress(KeyError):
                    del os.environ[name]
            else:
                os.environ[name] = value
