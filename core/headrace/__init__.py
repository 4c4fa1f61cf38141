"""headrace: AI agents on Apache Flink, whose skills, tools, models and memory are pip packages.

Names are loaded when they are first used, so that importing the package costs next to nothing and
loads neither Flink nor any plugin.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace.agent import Agent, AgentBuilder, action, prompt, tool, use
    from headrace.agent_yaml import YamlAgent, load_agent
    from headrace.chat import (
        ChatRequest,
        ChatResponse,
        Message,
        Prompt,
        ToolCall,
        ToolSpec,
        Usage,
    )
    from headrace.config import RuntimeConfig
    from headrace.context import RETRY, Context
    from headrace.errors import (
        HeadraceError,
        JobFailedError,
        ModelError,
        NonDeterminismError,
        NonRetryableError,
        PlanError,
        ToolError,
    )
    from headrace.events import (
        ChatRequestEvent,
        ChatResponseEvent,
        Event,
        InputEvent,
        NamedEvent,
        OutputEvent,
        ToolRequestEvent,
        ToolResponseEvent,
    )
    from headrace.interfaces import ChatModel, EmbeddingModel, MemoryBackend, Toolset
    from headrace.jobs import Job, job
    from headrace.local import run_local
    from headrace.plan import AgentPlan
    from headrace.policy import DEAD_LETTER, FAIL, SKIP, FailurePolicy, retry

_HOMES = {
    "headrace.agent": ("Agent", "AgentBuilder", "action", "prompt", "tool", "use"),
    "headrace.agent_yaml": ("YamlAgent", "load_agent"),
    "headrace.chat": (
        "ChatRequest",
        "ChatResponse",
        "Message",
        "Prompt",
        "ToolCall",
        "ToolSpec",
        "Usage",
    ),
    "headrace.config": ("RuntimeConfig",),
    "headrace.context": ("RETRY", "Context"),
    "headrace.errors": (
        "HeadraceError",
        "JobFailedError",
        "ModelError",
        "NonDeterminismError",
        "NonRetryableError",
        "PlanError",
        "ToolError",
    ),
    "headrace.events": (
        "ChatRequestEvent",
        "ChatResponseEvent",
        "Event",
        "InputEvent",
        "NamedEvent",
        "OutputEvent",
        "ToolRequestEvent",
        "ToolResponseEvent",
    ),
    "headrace.interfaces": ("ChatModel", "EmbeddingModel", "MemoryBackend", "Toolset"),
    "headrace.jobs": ("Job", "job"),
    "headrace.local": ("run_local",),
    "headrace.plan": ("AgentPlan",),
    "headrace.policy": ("DEAD_LETTER", "FAIL", "SKIP", "FailurePolicy", "retry"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "DEAD_LETTER",
    "FAIL",
    "RETRY",
    "SKIP",
    "Agent",
    "AgentBuilder",
    "AgentPlan",
    "ChatModel",
    "ChatRequest",
    "ChatRequestEvent",
    "ChatResponse",
    "ChatResponseEvent",
    "Context",
    "EmbeddingModel",
    "Event",
    "FailurePolicy",
    "HeadraceError",
    "InputEvent",
    "Job",
    "JobFailedError",
    "MemoryBackend",
    "Message",
    "ModelError",
    "NamedEvent",
    "NonDeterminismError",
    "NonRetryableError",
    "OutputEvent",
    "PlanError",
    "Prompt",
    "RuntimeConfig",
    "ToolCall",
    "ToolError",
    "ToolRequestEvent",
    "ToolResponseEvent",
    "ToolSpec",
    "Toolset",
    "Usage",
    "YamlAgent",
    "action",
    "job",
    "load_agent",
    "prompt",
    "retry",
    "run_local",
    "tool",
    "use",
]


def __getattr__(name: str) -> Any:
    try:
        module = importlib.import_module(_HOME[name])
    except KeyError:
        raise AttributeError(f"module 'headrace' has no attribute {name!r}") from None
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
