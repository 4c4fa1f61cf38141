"""OpenAI chat completions for headrace, through the official client.

The client is imported when a worker opens the model, and not before.
"""

from __future__ import annotations

from headrace_openai._model import OpenAIChatModel

__all__ = ["OpenAIChatModel"]
