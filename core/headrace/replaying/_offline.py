"""The resources of a replay: a chat model is built when it is asked, which may be never."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.interfaces import ChatModel
from headrace.operator._durable import OUTER_CALL
from headrace.operator._resources import Resources
from headrace.replaying._errors import NotRecordedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace.chat import ChatDelta, ChatRequest, ChatResponse
    from headrace.operator import Operator
    from headrace.plan import AgentPlan
    from headrace.replaying._loop import QuickLoop
    from headrace.replaying._rules import Rules

__all__ = ["OfflineResources", "pinned_as"]


class OfflineResources(Resources):
    """Resources that need no key and no network before something is really called."""

    rules: Rules
    loop: QuickLoop

    @classmethod
    def of(
        cls, operator: Operator, member: str | None, loop: QuickLoop, rules: Rules
    ) -> OfflineResources:
        """The resources of an operator's agent, or of a team's member."""
        bind = operator.resources_of(member)._bind  # noqa: SLF001 - one part with the operator
        made = cls(operator.plan, member, bind, None, operator.deadlines)
        made.rules, made.loop = rules, loop
        return made

    async def get(self, kind: str, name: str) -> Any:
        """A resource; as ``Resources.get``."""
        if kind == "chat_models":
            self._provider(kind, name)  # refused now where there is none
            return _Later(self, name)
        return await self.built(kind, name)

    async def built(self, kind: str, name: str) -> Any:
        """The resource itself. To build one may take the world's time."""
        self.loop.busy += 1
        try:
            return await super().get(kind, name)
        finally:
            self.loop.busy -= 1


class _Later(ChatModel):
    """A chat model that is built when it is asked."""

    structured = True

    def __init__(self, resources: OfflineResources, name: str) -> None:
        self._resources = resources
        self._name = name

    async def chat(self, request: ChatRequest) -> ChatResponse:
        """Answers one request."""
        model = await self._model()
        response: ChatResponse = await model.chat(request)
        return response

    async def stream(
        self, request: ChatRequest, on_delta: Callable[[ChatDelta], None]
    ) -> ChatResponse:
        """Answers one request, and tells of its parts."""
        model = await self._model()
        response: ChatResponse = await model.stream(request, on_delta)
        return response

    async def _model(self) -> Any:
        # Within a call that is made, all that it takes is made too.
        if OUTER_CALL.get() is None and not self._resources.rules.asks(self._name):
            raise NotRecordedError(
                f"the model {self._name!r} was asked, and not by ctx.chat: what it answered then "
                "was not recorded"
            )
        return await self._resources.built("chat_models", self._name)


def pinned_as(plan: AgentPlan, recorded: AgentPlan) -> AgentPlan:
    """The plan with what servers offered its toolsets when the runs were recorded.

    So that nobody has to ask them. A toolset with other arguments is another one.
    """
    tools = plan.resource_providers.get("tools", {})
    before = recorded.resource_providers.get("tools", {})
    pinned = {}
    for name, tool in tools.items():
        old = before.get(name)
        same = old is not None and (old.target, old.arguments) == (tool.target, tool.arguments)
        if old is not None and same and tool.pinned is None and old.pinned is not None:
            pinned[name] = tool.model_copy(update={"pinned": old.pinned})
    if not pinned:
        return plan
    providers = {**plan.resource_providers, "tools": {**tools, **pinned}}
    return plan.model_copy(update={"resource_providers": providers})
