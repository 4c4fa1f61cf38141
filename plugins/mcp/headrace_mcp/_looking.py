"""What a server offers, asked for page by page."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import mcp_types as types
from mcp import MCPError

from headrace_mcp._pins import MAX_ENTRIES, make_pin

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from mcp import Client

__all__ = ["look", "pages"]

MAX_PAGES = 100
"""Pages of one list that are asked for."""

_log = logging.getLogger("headrace_mcp")


async def look(client: Client) -> dict[str, Any]:
    """What a server offers, all of it, as a pin."""
    session, has = client.session, client.server_capabilities
    tools = await pages(session.list_tools, "tools") if has.tools else []
    prompts = await pages(session.list_prompts, "prompts") if has.prompts else None
    resources = await pages(session.list_resources, "resources") if has.resources else None
    templates = (
        await pages(session.list_resource_templates, "resource_templates")
        if resources is not None
        else None
    )
    return make_pin(
        server=client.server_info,
        protocol=client.protocol_version,
        instructions=client.instructions,
        tools=tools or [],
        prompts=prompts,
        resources=resources,
        templates=templates,
    )


async def pages(ask: Callable[..., Awaitable[Any]], part: str) -> list[Any] | None:
    """All pages of a list; ``None`` where the server does not know of such a list after all."""
    found: list[Any] = []
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        try:
            page = await ask(params=types.PaginatedRequestParams(cursor=cursor) if cursor else None)
        except MCPError as error:
            if error.code == types.METHOD_NOT_FOUND:
                return None
            raise
        found += getattr(page, part)
        cursor = page.next_cursor
        if not cursor or len(found) >= MAX_ENTRIES:
            break
    if len(found) > MAX_ENTRIES or cursor:
        _log.warning(
            "an MCP server has more %s than %d: the others are left out", part, MAX_ENTRIES
        )
    return found[:MAX_ENTRIES]
