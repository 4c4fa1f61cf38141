"""Anthropic's Messages for headrace, through the official client.

The client is imported when a worker opens the model, and not before.
"""

from __future__ import annotations

from headrace_anthropic._model import AnthropicChatModel

__all__ = ["AnthropicChatModel"]
