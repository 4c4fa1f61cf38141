"""What a model is asked first: prompts, filled for each request, and what was said after them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from headrace.chat import Message
from headrace.errors import PromptError
from headrace.operator._tools import telling
from headrace.prompts import Prompt, input_fields, is_structured, names, text_of, told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headrace.interfaces import PromptSource
    from headrace.operator._context import RunContext

__all__ = ["Opening"]


class Opening:
    """How a conversation with a model begins.

    First come the messages of the prompt that is bound to the model (or of ``prompt``, in its
    place), then what the action gives: a prompt of its own, messages, or an input. An input that a
    prompt has a field for is told there; else it is the user's message, where it has no parts.

    Args:
        context: The action's.
        model: The name of the model.
        given: Messages, a prompt, ``None``; everything else is the input.
        prompt: The name of a prompt of the agent; empty: none; ``None``: the model's.
        fields: Values for the prompts' fields, by name; ``input`` is the input.
    """

    def __init__(
        self,
        context: RunContext,
        model: str,
        given: Any,
        prompt: str | None,
        fields: Mapping[str, Any],
    ) -> None:
        self._context = context
        self._model = model
        self._fields = dict(fields)
        self._own = given if isinstance(given, Prompt) else None
        self._messages: tuple[Message, ...] | None = None
        if isinstance(given, Message):
            self._messages = (given,)
        elif isinstance(given, (list, tuple)) and all(isinstance(one, Message) for one in given):
            self._messages = tuple(given)
        elif given is not None and self._own is None:
            if "input" in self._fields:
                if not isinstance(given, str):
                    raise PromptError(
                        "ctx.chat takes messages, a text or a Prompt beside input=...; it was "
                        f"given a {type(given).__name__}"
                    )
                self._messages = (Message(role="user", content=given),)
            else:
                self._fields["input"] = given
        self._name = context.resources.prompt_of(model) if prompt is None else prompt
        self._prompts: list[Prompt | PromptSource] | None = None
        self._filled: dict[str, str] = {}
        self._answer: tuple[Message, ...] = ()

    async def messages(self) -> tuple[Message, ...]:
        """The messages, with the prompts' fields filled now.

        Raises:
            PromptError: There is nothing to ask, or an input that no prompt says how to tell.
        """
        if self._prompts is None:
            named = await self._context.resources.get("prompts", self._name) if self._name else None
            self._prompts = [one for one in (named, self._own) if one is not None]
            self._messages = self._said_after(self._prompts)
        found: list[Message] = []
        for one in self._prompts:
            found += one.fill(**self._fields) if isinstance(one, Prompt) else await self._asked(one)
        said = list(self._messages or ())
        system = next((n for n, one in enumerate(said) if one.role != "system"), len(said))
        begin = next((n for n, one in enumerate(found) if one.role != "system"), len(found))
        # System messages come first, for providers that take them nowhere else.
        found = [*found[:begin], *said[:system], *found[begin:], *said[system:]]
        if all(message.role == "system" for message in found) and self._prompts:
            raise PromptError(
                f"{self._what} has nothing but system messages, so the model {self._model!r} is "
                "asked nothing: add a user's message to the prompt, or give ctx.chat a text or "
                "messages beside the input"
            )
        return tuple(found)

    def _said_after(self, prompts: list[Prompt | PromptSource]) -> tuple[Message, ...]:
        others = sorted(self._fields.keys() - {"input"})
        if not prompts and (others or (self._messages and self._fields)):
            raise PromptError(
                f"only a prompt has fields to fill, got {', '.join(others or ['input'])}: give a "
                f"Prompt, name one (prompt=...), or bind one to the model {self._model!r}"
            )
        if self._messages is not None:
            if not self._messages and not prompts:
                raise PromptError(f"the model {self._model!r} is asked without any message")
            return self._messages
        if "input" not in self._fields:
            if not prompts:
                raise PromptError(
                    f"the model {self._model!r} is asked nothing: give messages, an input, or a "
                    "prompt"
                )
            return ()
        value = self._fields["input"]
        if any(names(one, value) for one in prompts):
            return ()
        if is_structured(value):
            raise PromptError(self._untold(value, prompts))
        return (Message(role="user", content=text_of(value)),)

    def _untold(self, value: Any, prompts: list[Prompt | PromptSource]) -> str:
        parts = sorted(input_fields(value).keys() - {"input"})
        has = f" with the fields {', '.join(parts)[:200]}" if parts else ""
        what = f"the input of the model {self._model!r} is a {type(value).__name__}{has}"
        some = "{" + (parts[0] if parts else "input") + "}"
        if prompts:
            return (
                f"{what}, and {self._what} has a field for none of it: put {some} into it, or "
                "{input} for the whole as JSON"
            )
        return (
            f"{what}, and no prompt says how it is told to the model: bind one to the model "
            '(use("chat_models", ...).with_prompt("NAME")), name one (prompt="NAME"), or give one '
            f'(ctx.chat({self._model!r}, Prompt("... {some} ..."), input=...))'
        )

    @property
    def _what(self) -> str:
        return f"the prompt {self._name!r}" if self._name else "the prompt"

    async def _asked(self, source: PromptSource) -> tuple[Message, ...]:
        """What a source makes of the fields: a durable call, made again where they have changed."""
        name, context = str(self._name), self._context
        texts = told(self._fields, source.fields)
        if not self._answer or texts != self._filled:

            async def make() -> list[Message]:
                with telling(context, context._run.operator, name):  # noqa: SLF001 - one part
                    return list(await source.fill(texts))

            self._answer = tuple(await context.durable(f"prompt:{name}", texts, make))
            self._filled = texts
        return self._answer
