"""Retrieval: passages found by the nearness of their vectors, and the filling of a store with them.

``RetrievalTools`` gives models a tool that searches, ``RetrievalRequestEvent`` asks the runtime for
a search, and ``index_texts`` fills a store. All speak to the agent's ``vector_stores`` and
``embedding_models``, whichever plugins they are.
"""

from __future__ import annotations

from headrace.retrieval._filling import Document, Indexed, index_texts, remove_texts
from headrace.retrieval._search import RetrievalTools, retrieve
from headrace.retrieval._splitting import split_text

__all__ = [
    "Document",
    "Indexed",
    "RetrievalTools",
    "index_texts",
    "remove_texts",
    "retrieve",
    "split_text",
]
