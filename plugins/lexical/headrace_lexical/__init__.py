"""An embedding model without a model: hashed words and their parts.

It knows no meaning. Texts are near each other when they share words, or pieces of words.
"""

from __future__ import annotations

from headrace_lexical._model import LexicalEmbeddingModel

__all__ = ["LexicalEmbeddingModel"]
