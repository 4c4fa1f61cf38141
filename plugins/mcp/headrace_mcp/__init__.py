"""Tools of Model Context Protocol servers for headrace, through the official SDK.

The SDK is imported when a worker opens the tools, and not before.
"""

from __future__ import annotations

from headrace_mcp._toolset import McpTools

__all__ = ["McpTools"]
