"""The resources of a worker: built at their first use, once, and closed at the end."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from headrace.chat import ToolSpec
from headrace.errors import HeadraceError, ResourceError, ToolError
from headrace.hidden import read_source
from headrace.interfaces import ChatModel, EmbeddingModel, Resource, Toolset
from headrace.models._governed import govern
from headrace.models.policy import ModelPolicy
from headrace.prompts import Prompt, is_source, made_prompt
from headrace.references import find
from headrace.tools import arguments_model, check_arguments, hidden_model
from headrace.values import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headrace.approvals import Approval
    from headrace.hidden import Source
    from headrace.operator._agents import SubAgentTool
    from headrace.operator._eager import Deadlines
    from headrace.operator._operator import Operator
    from headrace.plan import AgentPlan, ResourceProvider
    from headrace.tools import Given

__all__ = ["FunctionTool", "Resources"]


class FunctionTool:
    """A Python function of the project, as a tool."""

    def __init__(self, function: Callable[..., Any], provider: ResourceProvider) -> None:
        arguments = dict(provider.arguments)
        self.timeout: float | None = arguments.pop("timeout", None)
        self.given: dict[str, Given] = arguments.pop("given", {})
        hidden: dict[str, str] = arguments.pop("hidden", {})
        self.spec = ToolSpec.model_validate(arguments)
        self._function = function
        self._model = arguments_model(function, hidden)
        self._hidden = hidden_model(function, hidden)

    def whole(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments with their right types, and those that were left out.

        Raises:
            ToolError: They do not fit.
        """
        return check_arguments(self._model, self.spec.name, arguments, defaults=True)

    async def call(
        self,
        arguments: Mapping[str, Any],
        context: Any,
        operator: Operator,
        hidden: Mapping[str, Any],
    ) -> Any:
        """Calls it; a plain ``def`` runs in a pool thread.

        Args:
            arguments: What the caller gives.
            context: What the runtime gives.
            operator: The operator.
            hidden: The values of the hidden parameters.

        Raises:
            ToolError: The arguments do not fit.
            TypeError: A hidden value does not fit; the text does not tell it.
        """
        checked = check_arguments(self._model, self.spec.name, arguments, defaults=True)
        if hidden:
            checked |= self._filled(hidden)
        if inspect.iscoroutinefunction(self._function):
            return await self._function(**checked, **self._injected(context))
        if self.given:
            from headrace.operator._blocking import BlockingContext

            waiting = BlockingContext(context, asyncio.get_running_loop())
            checked |= self._injected(waiting)
        call = functools.partial(contextvars.copy_context().run, self._function, **checked)
        return await operator.in_thread(call)

    def _filled(self, hidden: Mapping[str, Any]) -> dict[str, Any]:
        try:
            filled = self._hidden.model_validate(dict(hidden))
        except ValidationError as error:
            faults = "; ".join(
                f"{fault['loc'][0]}: {fault['msg']}"
                for fault in error.errors(include_url=False, include_input=False)
            )
            raise TypeError(f"what is filled in does not fit: {faults}") from None
        return {name: getattr(filled, name) for name in hidden}

    def _injected(self, context: Any) -> dict[str, Any]:
        return {
            name: context if what == "context" else getattr(context, what)
            for name, what in self.given.items()
        }


class Resources:
    """The resources that a plan names (of a team: one member's), for one worker."""

    def __init__(
        self,
        plan: AgentPlan,
        member: str | None,
        bind: Callable[[str], Any],
        mains: Mapping[str, Any] | None,
        deadlines: Deadlines,
    ) -> None:
        self._providers = plan.resources_of(member)
        settings = plan.config_of(member)
        self._call_timeout = settings.call_timeout
        self._prices = plan.config.prices  # the job's: it has one currency
        self._tool_errors = settings.tool_errors
        self._deadlines = deadlines
        self._bind = bind
        self._mains = mains
        self._built: dict[tuple[str, str], asyncio.Task[Any]] = {}
        self._prompts: dict[str, Prompt] = {}

    @functools.cached_property
    def tools_with_context(self) -> frozenset[str]:
        """The function tools that are given a context or memory."""
        tools = self._providers.get("tools", {}).items()
        return frozenset(
            name for name, tool in tools if tool.plugin is None and tool.arguments.get("given")
        )

    @functools.cached_property
    def hidden(self) -> dict[str, dict[str, Source]]:
        """For the function tools that have some: where their hidden parameters come from."""
        return {
            name: {
                parameter: read_source(text) for parameter, text in tool.arguments["hidden"].items()
            }
            for name, tool in self._providers.get("tools", {}).items()
            if tool.plugin is None and "parameters" in tool.arguments and "hidden" in tool.arguments
        }

    def fails_run(self, resource: str | None) -> bool:
        """Whether a call of a tool (``None``: of none that there is) that fails fails its run."""
        own = None if resource is None else self._providers["tools"][resource].on_error
        return (own or self._tool_errors) == "fail"

    @functools.cached_property
    def approvals(self) -> bool:
        """Whether any tool has calls that wait for a decision."""
        return any(tool.approval for tool in self._providers.get("tools", {}).values())

    def approval(self, resource: str) -> Approval | None:
        """The rule for the calls of a tool or toolset."""
        return self._providers["tools"][resource].approval

    @functools.cached_property
    def agents(self) -> dict[str, SubAgentTool]:
        """The sub-agents."""
        from headrace.operator._agents import SubAgentTool

        found = self._providers.get("agents", {})
        return {
            name: SubAgentTool(provider.model_copy(update={"name": name}))
            for name, provider in found.items()
        }

    def agent(self, name: str) -> SubAgentTool:
        """A sub-agent.

        Raises:
            ResourceError: There is none of that name.
        """
        self._provider("agents", name)
        return self.agents[name]

    def names(self, kind: str) -> list[str]:
        """The names of the resources of a kind."""
        return list(self._providers.get(kind, {}))

    def prompt_of(self, model: str) -> str | None:
        """The name of the prompt that is bound to a chat model."""
        provider = self._providers.get("chat_models", {}).get(model)
        return None if provider is None else provider.prompt

    def prompt(self, name: str) -> Prompt:
        """A prompt: of the plan, or a plugin's.

        Raises:
            ResourceError: It is not declared, or cannot be made, or somebody else fills it.
        """
        if name not in self._prompts:
            provider = self._provider("prompts", name)
            if provider.target is None:
                self._prompts[name] = Prompt(**provider.arguments)
            else:
                if self._is_source(provider):
                    raise ResourceError(
                        f"the prompt {name!r} is filled by {provider.target}, which takes a "
                        f'durable call: await ctx.chat(model, prompt="{name}", ...)'
                    )
                found = find(provider.target, self._mains)
                self._prompts[name] = made_prompt(found, provider.arguments, name)
        return self._prompts[name]

    def _is_source(self, provider: ResourceProvider) -> bool:
        """Whether it is a prompt that somebody else fills."""
        return provider.target is not None and is_source(find(provider.target, self._mains))

    async def get(self, kind: str, name: str) -> Any:
        """A resource, built now where it is not yet.

        Raises:
            ResourceError: It is not declared, or it could not be built; the next use tries again.
        """
        if kind == "prompts" and not self._is_source(self._provider(kind, name)):
            return self.prompt(name)
        building = self._built.get((kind, name))
        if building is None:
            # A task of its own: the first user may be timed out, and the others wait for it too.
            make = self._build(self._provider(kind, name))
            building = asyncio.get_running_loop().create_task(make)
            self._built[kind, name] = building
        if building.done() and not building.cancelled() and building.exception() is None:
            return building.result()
        try:
            return await asyncio.shield(building)
        except Exception as error:
            if self._built.get((kind, name)) is building:
                del self._built[kind, name]
            if isinstance(error, HeadraceError):
                raise
            raise ResourceError(
                f"the resource {name!r} ({kind}) cannot be built: {type(error).__name__}: {error}"
            ) from error

    async def tools(self, names: Sequence[str]) -> dict[str, tuple[ToolSpec, str]]:
        """For the names of tools and toolsets: what the model is told, and who serves it.

        Raises:
            ResourceError: Two tools have one name.
        """
        found: dict[str, tuple[ToolSpec, str]] = {}
        for name in names:
            if name in self.agents:
                specs: Sequence[ToolSpec] = [self.agents[name].spec]
            else:
                resource = await self.get("tools", name)
                specs = resource.specs() if isinstance(resource, Toolset) else [resource.spec]
            for spec in specs:
                if spec.name in found:
                    raise ResourceError(
                        f"two tools are called {spec.name!r}: of {found[spec.name][1]!r} and of "
                        f"{name!r}. Offer one of them, or give one another name."
                    )
                found[spec.name] = (spec, name)
        return found

    async def owner(self, tool: str) -> str:
        """The resource that serves a tool."""
        if tool in self.names("tools"):
            resource = await self.get("tools", tool)
            if not isinstance(resource, Toolset):
                return tool
        for name in self.names("tools"):
            resource = await self.get("tools", name)
            if isinstance(resource, Toolset) and any(s.name == tool for s in resource.specs()):
                return name
        raise ToolError(f"there is no tool called {tool!r}")

    async def close(self) -> None:
        """Closes all that was built, the last one first."""
        built = list(self._built.values())
        self._built.clear()
        for future in reversed(built):
            if not future.done():
                future.cancel()
                await asyncio.gather(future, return_exceptions=True)
            if future.done() and not future.cancelled() and future.exception() is None:
                resource = future.result()
                if isinstance(resource, Resource):
                    await resource.close()

    def _provider(self, kind: str, name: str) -> ResourceProvider:
        try:
            return self._providers[kind][name]
        except KeyError:
            known = ", ".join(self.names(kind)) or "none"
            raise ResourceError(
                f"the agent declares no resource {name!r} of the kind {kind!r} (it has: {known})"
            ) from None

    async def _build(self, provider: ResourceProvider) -> Any:
        if provider.target is None:
            raise ResourceError(f"the resource {provider.name!r} has nothing to build")
        if (
            provider.kind == "tools"
            and provider.plugin is None
            and "parameters" in (provider.arguments)
        ):
            return FunctionTool(self._bind(provider.target), provider)
        target = find(provider.target, self._mains)
        resource = target(**provider.arguments)
        if provider.pinned is not None:
            resource.pinned = provider.pinned
        if isinstance(resource, Resource):
            resource.resource_lookup = self.get
            await resource.open()
        if isinstance(resource, (ChatModel, EmbeddingModel)):
            return self._governed(resource, provider)
        return resource

    def _governed(self, model: ChatModel | EmbeddingModel, provider: ResourceProvider) -> Any:
        policy = provider.policy or ModelPolicy()
        own = f"{provider.target} {digest(provider.arguments)}"
        return govern(
            model,
            provider.name,
            policy,
            group_name=policy.group or own,
            timeout=self._call_timeout,
            deadlines=self._deadlines,
            lookup=self.get,
            provider=provider.plugin or (provider.target or "").rpartition(":")[2],
            called=str(provider.arguments.get("model", "")),
            prices=self._prices,
        )
