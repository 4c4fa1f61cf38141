"""The two ready agents: one that answers, and one that uses tools to do so."""

from __future__ import annotations

import functools
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from pydantic import ConfigDict, Field, InstanceOf, field_validator

from headrace.agent import Agent, action
from headrace.agents._declaring import declared_tools, form_reference, has_code, input_names
from headrace.agents._memory import Recall
from headrace.chat import Message
from headrace.compiling import fields_of, unknown_fields
from headrace.declarations import ToolDeclaration, Use
from headrace.errors import Fault, PromptError, ResourceError
from headrace.events import InputEvent, OutputEvent
from headrace.history import History
from headrace.models._forms import Form, FormError
from headrace.prompts import Prompt, input_fields, is_structured, names, text_of
from headrace.records import tell
from headrace.references import find
from headrace.values import to_jsonable

if TYPE_CHECKING:
    from collections.abc import Iterable

    # Type checkers know what pydantic's own does.
    from pydantic._internal._model_construction import ModelMetaclass as ByAssignment

    from headrace.chat import ChatDelta, ChatResponse
    from headrace.context import Context
    from headrace.declarations import Definition
    from headrace.interfaces import PromptSource
    from headrace.operator._context import RunContext
    from headrace.plan import Providers
else:
    from headrace.agents._declaring import ByAssignment

__all__ = ["ChatAgent", "ReActAgent"]

_INCLUDED = re.compile(r"key|model|usage|input(\..+)?")


class ChatAgent(Agent, metaclass=ByAssignment):
    """Asks a chat model for every input, and sends its answer.

    ::

        class Translator(ChatAgent):
            model = use("chat_models", "openai", model="gpt-4.1-mini")
            instructions = "Translate what you are given into {language}."
            language: str = "German"

        translator = ChatAgent(model=use(...), instructions="Translate into German.")

    A subclass gives the fields of this class other values without repeating their types. Limits
    are settings of the runtime, as of every agent: ``max_tool_rounds``, ``budget``, ``failure``.
    """

    model_config = ConfigDict(validate_default=True)

    name: str | None = None
    """The agent's name; the class's where ``None``."""
    description: str = ""
    """What the agent is for; the docstring of a subclass where it is empty."""
    model: str | InstanceOf[Use] | None = None
    """The chat model: ``use("chat_models", ...)``, or the name of one that is declared. ``None``:
    the one that is declared as ``model``, else the only one."""
    instructions: str = ""
    """The system prompt. Its ``{fields}`` are the fields that a subclass has added, and those of
    the input; a name that is none of them stays as it is."""
    prompt: str = ""
    """The user's message; ``{fields}`` as in the instructions, and ``{input}``, the whole of it
    (as JSON, if it is no text). Where it is empty: the input, which must have no parts then."""
    tools: Sequence[Any] | Mapping[str, Any] | None = ()
    """What the model may call: names of tools that the agent declares, functions (or their
    references, ``module:function``), ``use("tools", ...)``, sub-agents. In a mapping each has a
    name. ``None``: all that the agent declares."""
    input: Any = None
    """The form of an input, as for ``output``: each is checked, and the fields of the prompts are
    held against it when the agent is compiled. ``None``: whatever comes."""
    output: Any = None
    """The form of the answer: a pydantic model or another class, ``module:Name`` of a type, or a
    JSON schema. ``None``: a text."""
    include: Sequence[str] = ()
    """What leaves beside the answer: ``key``, ``input``, ``input.FIELD``, ``usage``, ``model``.
    The output is then a mapping with ``answer`` and these."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the requests: ``max_tokens``, ``temperature``, and the provider's own."""
    history: History | bool | None = None
    """How much of the conversation with a key is kept; ``True``: as ``History()`` says; ``None``:
    every input is answered by itself."""
    memory: Recall | bool | InstanceOf[Use] = False
    """Whether long-term memory is searched before and added to after; ``Recall`` says how.
    ``use("memory", ...)``: yes, and this is the memory."""
    stream: bool = False
    """Whether the model is asked to tell its answer while writing it: see ``on_delta``."""

    # ------------------------------------------------------------ fields
    @field_validator("instructions", "prompt")
    @classmethod
    def _without_indent(cls, text: str) -> str:
        # What comes out goes in again, on the worker: it must not change a second time.
        return (textwrap.dedent(text) if text.startswith("\n") else text).strip()

    @field_validator("tools", mode="before")
    @classmethod
    def _are_tools(cls, given: Any) -> Any:
        if given is None or isinstance(given, Mapping):
            declared_tools(given or {})
            return given
        found = (given,) if isinstance(given, str) else tuple(given)
        declared_tools(found)
        return found

    @field_validator("input", "output", mode="before")
    @classmethod
    def _as_data(cls, wanted: Any) -> Any:
        return None if wanted is None else form_reference(wanted)

    @field_validator("include", mode="before")
    @classmethod
    def _can_be_included(cls, given: Any) -> Any:
        names = (given,) if isinstance(given, str) else tuple(given)
        for name in names:
            if not isinstance(name, str) or not _INCLUDED.fullmatch(name):
                raise ValueError(
                    f"{name!r} cannot be included: write key, input, input.FIELD, usage, model"
                )
        return names

    @field_validator("history", mode="before")
    @classmethod
    def _as_history(cls, given: Any) -> Any:
        if isinstance(given, bool):
            return History() if given else None
        return given

    # ------------------------------------------------------------ what it compiles to
    def definition(self) -> Definition:
        """The declarations of the class, and those that fields make."""
        found = super().definition()
        kind = type(self)
        found.name = self.name or found.name
        own_text = not _ready_made(kind)
        found.description = self.description or (found.description if own_text else "")
        values = {name: getattr(self, name) for name in kind.model_fields}
        values |= {"name": None, "description": ""}
        if isinstance(self.model, Use):
            found.resources["model"] = self.model
            values["model"] = None
        if isinstance(self.memory, Use):
            found.resources["memory"] = self.memory
            values["memory"] = True
        if self.tools is not None:
            declared = declared_tools(self.tools)
            found.resources.update(declared.uses)
            for name, function in declared.functions.items():
                marked = getattr(function, "__headrace_tool__", ToolDeclaration())
                place = f"{function.__module__}:{function.__qualname__}"
                found.tools.append((name, _of(marked, function), place))
            values["tools"] = tuple(declared.names)
        # One that only sets values is the same agent as one that is given them as arguments.
        found.checks.append(functools.partial(self._prompt_faults, found.name))
        coded = next(base for base in kind.__mro__ if _ready_made(base) or _coded(base))
        planned = coded if _ready_made(coded) else kind
        found.agent = cast("type[Agent]", planned).model_validate(
            values, by_alias=False, by_name=True
        )
        return found

    # ------------------------------------------------------------ at work
    @action(InputEvent)
    async def reply(self, event: InputEvent, ctx: Context) -> None:
        """Answers an input."""
        response = await self.ask(event.input, ctx)
        ctx.send(OutputEvent(output=self.output_of(response, event.input, ctx)))

    async def ask(self, value: Any, ctx: Context) -> ChatResponse:
        """Asks the model about an input; what was said becomes part of history and memory."""
        value = self._checked(value)
        recall = self._recall
        history = self.history if isinstance(self.history, History) else None
        model = self._model_name(ctx)
        bound = await _bound(ctx, model)
        fields = {} if bound is None else {**self._own, "input": value}
        # A prompt that asks about the input is the question, unless a conversation came before it.
        told = bound is not None and not self.prompt and names(bound, value)
        asks = told and history is None and type(self).answer is ChatAgent.answer
        question = text_of(value) if told and self._asks_plainly else self.question_of(value)
        system = [self._filled(self.instructions, value)]
        if recall is not None:
            system.append(await recall.before(ctx, value, question))
        text = "\n\n".join(filter(None, system))
        before = [Message(role="system", content=text)] if text else []
        said = [
            *(history.load(ctx) if history is not None else ()),
            Message(role="user", content=question),
        ]
        response = await self.answer(ctx, before if asks else [*before, *said], fields)
        if history is not None:
            await history.save(ctx, [*said, *response.messages])
        if recall is not None:
            await recall.after(ctx, value, question, response.text)
        return response

    async def answer(
        self, ctx: Context, messages: list[Message], fields: Mapping[str, Any]
    ) -> ChatResponse:
        """The answer to a conversation; ``fields`` are for a prompt that the model is bound to."""
        return await self.chat(ctx, messages, fields, tools=self.tool_names(ctx))

    async def chat(
        self,
        ctx: Context,
        messages: list[Message],
        fields: Mapping[str, Any],
        *,
        tools: Sequence[str],
    ) -> ChatResponse:
        """Asks the model as the agent's fields say: form, options, parts of the answer."""
        return await ctx.chat(
            self._model_name(ctx),
            messages,
            tools=tools,
            output=find(self.output) if isinstance(self.output, str) else self.output,
            on_delta=self.on_delta if self.stream else None,
            options=self.options,
            **fields,
        )

    def question_of(self, value: Any) -> str:
        """The user's message for an input; for subclasses to override.

        Raises:
            PromptError: The input has parts, and no prompt says how they are told.
        """
        if self.prompt:
            return self._filled(self.prompt, value)
        if is_structured(value):
            parts = sorted(input_fields(value).keys() - {"input"})
            has = f" with the fields {', '.join(parts)[:200]}" if parts else ""
            raise PromptError(
                f"the input of the agent is a {type(value).__name__}{has}, and no prompt says how "
                f"it is told to the model: {_how_told(parts)}"
            )
        return text_of(value)

    @property
    def _asks_plainly(self) -> bool:
        return type(self).question_of is ChatAgent.question_of

    def tool_names(self, ctx: Context) -> tuple[str, ...]:
        """What the model may call: tools and sub-agents; for subclasses to override."""
        if self.tools is None:
            return (*_names(ctx, "tools"), *_names(ctx, "agents"))
        return tuple(self.tools)

    def output_of(self, response: ChatResponse, value: Any, ctx: Context) -> Any:
        """What leaves for an answer; for subclasses to override."""
        answer = response.text if self.output is None else to_jsonable(response.output)
        if not self.include:
            return answer
        output: dict[str, Any] = {"answer": answer}
        for name in self.include:
            what, _, field = name.partition(".")
            if field:
                output.setdefault("input", {})[field] = _field(to_jsonable(value), field)
            elif what == "input":
                output["input"] = to_jsonable(value)
            elif what == "usage":
                output["usage"] = response.usage.model_dump(mode="json")
            else:
                output[what] = ctx.key if what == "key" else response.model
        return output

    def on_delta(self, delta: ChatDelta) -> None:
        """Told of a part of an answer, with ``stream``: tells those who watch the run.

        A replay tells nothing. For subclasses to override.
        """
        tell("delta", "answer", **delta.model_dump(exclude_defaults=True))

    # ------------------------------------------------------------ parts
    @property
    def _recall(self) -> Recall | None:
        if isinstance(self.memory, Recall):
            return self.memory
        return Recall() if self.memory else None

    def _model_name(self, ctx: Context) -> str:
        if isinstance(self.model, str):
            return self.model
        names = _names(ctx, "chat_models")
        if "model" in names:
            return "model"
        if len(names) != 1:
            raise ResourceError(
                f"the agent declares {len(names) or 'no'} chat models"
                f"{' (' + ', '.join(names) + ')' if names else ''} and none is called 'model': "
                "say which one is asked, as in model=use('chat_models', ...) or model='name'"
            )
        return names[0]

    @property
    def _own(self) -> dict[str, Any]:
        """The fields that a subclass has added: an input does not put itself in their place."""
        return {
            name: getattr(self, name)
            for name in type(self).model_fields.keys() - _given(type(self))
        }

    def _filled(self, text: str, value: Any) -> str:
        return Prompt(text).fill(**{**self._own, "input": value})[0].content

    def _checked(self, value: Any) -> Any:
        """The input in its form."""
        if self.input is None:
            return value
        form = Form(find(self.input) if isinstance(self.input, str) else self.input)
        try:
            return form.check(to_jsonable(value))
        except FormError as error:
            told = str(error).replace("the answer", "the input")
            raise PromptError(f"the input has not the form that the agent takes: {told}") from None

    def _prompt_faults(self, agent: str, providers: Providers) -> Iterable[Fault]:
        """Fields of prompts that no input of its form has, and that are not the agent's own."""
        known = None if self.input is None else input_names(self.input)
        if known is None:
            return
        known |= {"input", *self._own}
        for name, text in (("instructions", self.instructions), ("prompt", self.prompt)):
            yield from unknown_fields(f"{agent}.{name}", "it", Prompt(text).fields, known)
        models = providers.get("chat_models", {})
        name = self.model if isinstance(self.model, str) else "model"
        model = models.get(name) or (next(iter(models.values())) if len(models) == 1 else None)
        if model is not None and (bound := fields_of(model.prompt, providers)):
            what = f"its prompt {model.prompt!r}"
            yield from unknown_fields(f"{agent}.{model.name}", what, bound, known)
        if self.prompt or not self._asks_plainly or (model is not None and model.prompt):
            return
        if parts := sorted(known - {"input", *self._own}):
            yield Fault(
                f"{agent}.prompt",
                f"an input has the fields {', '.join(parts)}, and no prompt says how they are told "
                "to the model",
                _how_told(parts),
            )


def _how_told(parts: Sequence[str]) -> str:
    some = f'prompt = "... {{{parts[0]}}} ...", or ' if parts else ""
    return f'write {some}prompt = "{{input}}" for the whole as JSON'


class ReActAgent(ChatAgent):
    """Lets a chat model reason and act: it calls tools, sees what they give, until it answers.

    ::

        class Clerk(ReActAgent):
            model = use("chat_models", "openai", model="gpt-4.1")
            instructions = "Answer questions about orders. Look things up, do not guess."
            output = Verdict

            @tool()
            async def order(self, number: str) -> dict[str, Any]:
                '''Gives an order.'''

        clerk = ReActAgent(model=use(...), tools=[order], output=Verdict)

    It is a ``ChatAgent`` that may call all of its tools, where ``tools`` does not say which. The
    setting ``max_tool_rounds`` ends a conversation that does not come to an answer.
    """

    tools: Sequence[Any] | Mapping[str, Any] | None = None


def _given(kind: type[Agent]) -> set[str]:
    """The fields that ready agents have by themselves."""
    ready = [one for one in kind.__mro__ if _ready_made(one) and issubclass(one, Agent)]
    return {name for one in ready for name in one.model_fields}


def _ready_made(kind: type) -> bool:
    """Whether it is one of this package's own."""
    return kind.__module__.rpartition(".")[0] == __package__


def _coded(kind: type) -> bool:
    return issubclass(kind, Agent) and has_code(kind)


def _of(marked: ToolDeclaration, function: Any) -> ToolDeclaration:
    return replace(marked, function=function)


def _names(ctx: Context, kind: str) -> list[str]:
    """The names of the agent's resources of a kind."""
    return cast("RunContext", ctx).resources.names(kind)


async def _bound(ctx: Context, model: str) -> Prompt | PromptSource | None:
    """The prompt that is bound to a model."""
    resources = cast("RunContext", ctx).resources
    name = resources.prompt_of(model)
    return None if name is None else await resources.get("prompts", name)


def _field(data: Any, name: str) -> Any:
    return data.get(name) if isinstance(data, dict) else None
