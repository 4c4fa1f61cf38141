"""Tools and prompts of Model Context Protocol servers for headrace, through the official SDK.

The SDK is imported when a worker opens the tools, and not before.
"""

from __future__ import annotations

from headrace_mcp._prompt import McpPrompt
from headrace_mcp._toolset import McpTools

__all__ = ["McpPrompt", "McpTools"]
