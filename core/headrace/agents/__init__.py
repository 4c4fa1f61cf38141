"""Agents that are ready: a model, instructions, tools, and there is an answer for every input."""

from __future__ import annotations

from headrace.agents._memory import Recall
from headrace.agents._planning import PlanExecuteAgent
from headrace.agents._ready import ChatAgent, ReActAgent

__all__ = ["ChatAgent", "PlanExecuteAgent", "ReActAgent", "Recall"]
