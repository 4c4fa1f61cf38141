"""The documents, and the store that they are searched in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from headrace.retrieval import Document, Indexed, index_texts
from headrace_sqlite_vec import SqliteVectorStore

if TYPE_CHECKING:
    from headrace.interfaces import EmbeddingModel
    from headrace.vectors import VectorStore

__all__ = ["DOCUMENTS", "INDEX", "Library", "bring_up_to_date", "names"]

HERE = Path(__file__).resolve().parent
DOCUMENTS = HERE / "documents"
"""Where the documents are, as Markdown."""
INDEX = HERE / "out" / "library.db"
"""Where they are indexed, unless one says otherwise."""
_PIECE = 300
"""Characters of a passage: about a paragraph. The lexical embedder likes short ones."""


def names() -> list[str]:
    """The names of the documents, by which answers cite them."""
    return sorted(path.name for path in DOCUMENTS.glob("*.md"))


async def bring_up_to_date(store: VectorStore, embedder: EmbeddingModel | None = None) -> Indexed:
    """Indexes what is new or has changed; where nothing has, nothing is embedded or written."""
    texts = (Document(name, (DOCUMENTS / name).read_text(encoding="utf-8")) for name in names())
    return await index_texts(store, embedder, texts, size=_PIECE, overlap=0)


class Library(SqliteVectorStore):
    """A store that brings its index up to date when it is opened, so that the example runs at once.

    That is right for a few documents, which every worker has. For many, or where documents change
    while a job runs, index with ``index.py`` and use the plugin itself:
    ``use("vector_stores", "sqlite-vec", path=...)``.
    """

    def __init__(self, path: str, embedder: str) -> None:
        super().__init__(path, embedder=embedder)

    async def open(self) -> None:
        """Opens the file, and indexes what is new."""
        await super().open()
        await bring_up_to_date(self)
