"""headrace: AI agents on Apache Flink, whose skills, tools, models and memory are pip packages.

Names are loaded when they are first used, so that importing the package costs next to nothing and
loads neither Flink nor any plugin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.lazy import lazily

if TYPE_CHECKING:
    from headrace.agent import Agent, action, prompt, tool
    from headrace.agent_builder import AgentBuilder
    from headrace.agent_yaml import YamlAgent, load_agent
    from headrace.agents import ChatAgent, ReActAgent, Recall
    from headrace.chat import (
        ChatDelta,
        ChatRequest,
        ChatResponse,
        Image,
        Message,
        ToolCall,
        ToolResult,
        ToolSpec,
        Usage,
    )
    from headrace.config import RuntimeConfig
    from headrace.context import RETRY, Context
    from headrace.declarations import use
    from headrace.errors import (
        BudgetExceededError,
        HeadraceError,
        JobFailedError,
        MemoryReferenceError,
        ModelError,
        NonDeterminismError,
        NonRetryableError,
        PlanError,
        SubAgentError,
        ToolError,
    )
    from headrace.events import (
        ChatDeltaEvent,
        ChatRequestEvent,
        ChatResponseEvent,
        Event,
        InputEvent,
        JoinRequestEvent,
        JoinResponseEvent,
        NamedEvent,
        OutputEvent,
        RetrievalRequestEvent,
        RetrievalResponseEvent,
        ToolRequestEvent,
        ToolResponseEvent,
        VerdictEvent,
    )
    from headrace.history import History
    from headrace.interfaces import (
        ChatModel,
        EmbeddingModel,
        MemoryBackend,
        MemoryItem,
        Toolset,
    )
    from headrace.jobs import Job, job
    from headrace.lifetimes import Lifetime
    from headrace.local import run_local
    from headrace.memory_refs import MemoryRef
    from headrace.models import Breaker, ModelPolicy, Prices, RunBudget
    from headrace.plan import AgentPlan
    from headrace.policy import DEAD_LETTER, FAIL, SKIP, FailurePolicy, retry
    from headrace.prompts import Prompt
    from headrace.sub_agents import sub_agent
    from headrace.vectors import VectorItem, VectorQuery, VectorStore

_HOMES = {
    "agent": ("Agent", "action", "prompt", "tool"),
    "agent_builder": ("AgentBuilder",),
    "agent_yaml": ("YamlAgent", "load_agent"),
    "agents": ("ChatAgent", "ReActAgent", "Recall"),
    "chat": (
        "ChatDelta",
        "ChatRequest",
        "ChatResponse",
        "Image",
        "Message",
        "ToolCall",
        "ToolResult",
        "ToolSpec",
        "Usage",
    ),
    "config": ("RuntimeConfig",),
    "context": ("RETRY", "Context"),
    "declarations": ("use",),
    "errors": (
        "BudgetExceededError",
        "HeadraceError",
        "JobFailedError",
        "MemoryReferenceError",
        "ModelError",
        "NonDeterminismError",
        "NonRetryableError",
        "PlanError",
        "SubAgentError",
        "ToolError",
    ),
    "events": (
        "ChatDeltaEvent",
        "ChatRequestEvent",
        "ChatResponseEvent",
        "Event",
        "InputEvent",
        "JoinRequestEvent",
        "JoinResponseEvent",
        "NamedEvent",
        "OutputEvent",
        "RetrievalRequestEvent",
        "RetrievalResponseEvent",
        "ToolRequestEvent",
        "ToolResponseEvent",
        "VerdictEvent",
    ),
    "history": ("History",),
    "interfaces": (
        "ChatModel",
        "EmbeddingModel",
        "MemoryBackend",
        "MemoryItem",
        "Toolset",
    ),
    "jobs": ("Job", "job"),
    "lifetimes": ("Lifetime",),
    "local": ("run_local",),
    "memory_refs": ("MemoryRef",),
    "models": ("Breaker", "ModelPolicy", "Prices", "RunBudget"),
    "plan": ("AgentPlan",),
    "policy": ("DEAD_LETTER", "FAIL", "SKIP", "FailurePolicy", "retry"),
    "prompts": ("Prompt",),
    "sub_agents": ("sub_agent",),
    "vectors": ("VectorItem", "VectorQuery", "VectorStore"),
}

__all__ = [
    "DEAD_LETTER",
    "FAIL",
    "RETRY",
    "SKIP",
    "Agent",
    "AgentBuilder",
    "AgentPlan",
    "Breaker",
    "BudgetExceededError",
    "ChatAgent",
    "ChatDelta",
    "ChatDeltaEvent",
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
    "History",
    "Image",
    "InputEvent",
    "Job",
    "JobFailedError",
    "JoinRequestEvent",
    "JoinResponseEvent",
    "Lifetime",
    "MemoryBackend",
    "MemoryItem",
    "MemoryRef",
    "MemoryReferenceError",
    "Message",
    "ModelError",
    "ModelPolicy",
    "NamedEvent",
    "NonDeterminismError",
    "NonRetryableError",
    "OutputEvent",
    "PlanError",
    "Prices",
    "Prompt",
    "ReActAgent",
    "Recall",
    "RetrievalRequestEvent",
    "RetrievalResponseEvent",
    "RunBudget",
    "RuntimeConfig",
    "SubAgentError",
    "ToolCall",
    "ToolError",
    "ToolRequestEvent",
    "ToolResponseEvent",
    "ToolResult",
    "ToolSpec",
    "Toolset",
    "Usage",
    "VectorItem",
    "VectorQuery",
    "VectorStore",
    "VerdictEvent",
    "YamlAgent",
    "action",
    "job",
    "load_agent",
    "prompt",
    "retry",
    "run_local",
    "sub_agent",
    "tool",
    "use",
]


__getattr__ = lazily(__name__, _HOMES)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
