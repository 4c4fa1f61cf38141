"""The conformance suite of toolsets, over each way to a server."""

from __future__ import annotations

from typing import ClassVar

import pytest

from headrace.testing import ToolsetSuite
from headrace_mcp import McpTools


class TestProcessOfAnOlderProtocol(ToolsetSuite):
    working_call: ClassVar = ("echo", {"text": "hello"})
    failing_call: ClassVar = ("failing", {"reason": "tired"})

    @pytest.fixture(autouse=True)
    def _server(self, wire, tool):
        echo = tool("echo", {"text": {"type": "string"}})
        echo["inputSchema"]["additionalProperties"] = False
        self.wire = wire.offers(echo, tool("failing", {"reason": {"type": "string"}}))

    def make(self):
        return McpTools(command=self.wire.command, instructions=True)


class TestProcessOfAnOlderProtocolThatIsPinned(TestProcessOfAnOlderProtocol):
    def make(self):
        pinned = self.run(McpTools(command=self.wire.command).pin())
        return McpTools(command=self.wire.command, pinned=pinned)


@pytest.mark.slow
class TestHttp(ToolsetSuite):
    working_call: ClassVar = ("shop_saw", {"length": 2.5})
    failing_call: ClassVar = ("shop_saw", {"length": -1})

    @pytest.fixture(autouse=True)
    def _server(self, workshop_url):
        self.url = workshop_url  # one server for all the tests

    def make(self):
        return McpTools(url=self.url, prefix="shop_")
