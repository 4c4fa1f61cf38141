"""The chat model that follows a policy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from headrace.chat import ChatResponse, Message, ToolCall, Usage
from headrace.errors import ModelError
from headrace.interfaces import ChatModel
from headrace_scripted._reading import read_policy
from headrace_scripted._rules import Call, Fail, Say
from headrace_scripted._schema import PolicyShape
from headrace_scripted._template import FillError, as_text, fill_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from headrace.chat import ChatRequest
    from headrace_scripted._rules import Rule

__all__ = ["ScriptedChatModel"]

_FROM_FILE = "scripted (no model: rules from a file)"
_FROM_PLAN = "scripted (no model: rules from the plan)"


class ScriptedChatModel(ChatModel):
    """Answers by the rules of a policy. There is no intelligence in it.

    Of the policy's rules the first whose conditions hold says the answer. Nothing is remembered
    between requests: the same request always gets the same answer, so replays are exact. The
    options of a request change nothing. ``ChatResponse.model`` says that no model answered, and
    ``usage`` counts words between white space, not tokens.

    Args:
        policy: A YAML file's path; ``package:path`` of a file in an importable package, which also
            works from a wheel and on a worker; or the policy itself.

    Raises:
        PolicyError: The policy is wrong; all of its faults, each with line and place.
    """

    def __init__(self, policy: str | Mapping[str, Any]) -> None:
        self._policy = read_policy(policy)

    @staticmethod
    def policy_schema() -> dict[str, Any]:
        """The JSON schema of policies, for editors."""
        return PolicyShape.model_json_schema()

    async def chat(self, request: ChatRequest) -> ChatResponse:
        """Answers by the first rule that counts.

        Raises:
            ModelError: ``bad_request`` where no rule counts, or the rule's fields have no value, or
                it calls a tool that was not offered; else what a rule's ``fail`` says.
        """
        conversation = _Conversation(request.messages)
        missed = []
        for rule in self._policy.rules:
            groups = conversation.match(rule)
            if isinstance(groups, str):
                missed.append(f"{rule.label}: {groups}")
                continue
            try:
                message = self._follow(rule, {**conversation.values, **groups}, request)
            except FillError as error:
                raise self._wrong(f"{rule.label}: {error}") from None
            return ChatResponse(
                message=message,
                usage=Usage(input_tokens=_words(request.messages), output_tokens=_words([message])),
                model=_FROM_FILE if self._policy.from_file else _FROM_PLAN,
                finish_reason="tool_calls" if message.tool_calls else "stop",
            )
        raise self._wrong(f"no rule counts for {conversation.describe()}\n  " + "\n  ".join(missed))

    def _follow(
        self, rule: Rule, values: Mapping[str, str | None], request: ChatRequest
    ) -> Message:
        action = rule.action
        if isinstance(action, Fail):
            raise ModelError(
                action.message.text(values), code=action.code, retry_after=action.retry_after
            )
        if isinstance(action, Say):
            return Message(role="assistant", content=as_text(fill_tree(action.content, values)))
        self._check_offered(rule, action, request)
        # The number of messages makes the ids unique in the conversation, and the same in a replay.
        turn = len(request.messages)
        calls = tuple(
            ToolCall(
                id=f"call_{turn}_{number}",
                name=call.tool,
                arguments={name: fill_tree(tree, values) for name, tree in call.arguments.items()},
            )
            for number, call in enumerate(action)
        )
        return Message(role="assistant", tool_calls=calls)

    def _check_offered(self, rule: Rule, calls: Sequence[Call], request: ChatRequest) -> None:
        offered = [spec.name for spec in request.tools]
        for call in calls:
            if call.tool not in offered:
                known = ", ".join(offered) or "none"
                raise self._wrong(
                    f"{rule.label} calls the tool {call.tool!r}, which this request does not "
                    f"offer (it offers: {known})"
                )

    def _wrong(self, text: str) -> ModelError:
        return ModelError(f"the policy {self._policy.label!r}: {text}", code="bad_request")


class _Conversation:
    """What the conditions look at."""

    __slots__ = ("called", "messages", "round", "texts", "values")

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = messages
        asked = max((at for at, m in enumerate(messages) if m.role == "user"), default=-1)
        answered = sum(message.role == "assistant" for message in messages[asked + 1 :])
        self.round = 1 + answered
        self.called = {call.name for message in messages for call in message.tool_calls}
        system = [message.content for message in messages if message.role == "system"]
        results = [message.content for message in messages if message.role == "tool"]
        self.texts: dict[str, Sequence[str]] = {
            "user": [messages[asked].content] if asked >= 0 else [],
            "system": ["\n\n".join(system)] if system else [],
            "any": [message.content for message in reversed(messages)],
            "result": results[-1:],
        }
        self.values: dict[str, str | None] = {
            "user": "".join(self.texts["user"]),
            "system": "".join(self.texts["system"]),
            "result": results[-1] if results else None,
            "round": str(self.round),
        }

    def match(self, rule: Rule) -> dict[str, str | None] | str:
        """The values of the rule's groups; where the rule does not count, why."""
        if rule.rounds and self.round not in rule.rounds:
            return "it is for another round"
        if missing := rule.called - self.called:
            return f"not called yet: {', '.join(sorted(missing))}"
        if already := rule.not_called & self.called:
            return f"called already: {', '.join(sorted(already))}"
        groups: dict[str, str | None] = {}
        for where, pattern in rule.patterns.items():
            found = next(filter(None, map(pattern.search, self.texts[where])), None)
            if found is None:
                return f"{where!r} does not match"
            # A group that took no part in the match is empty, not a failure.
            groups.update(found.groupdict(default=""))
        return groups

    def describe(self) -> str:
        """What was asked, shortened."""
        parts = [f"round {self.round}", f"user: {_short(self.values['user'])}"]
        parts.append("called: " + (", ".join(sorted(self.called)) or "nothing"))
        if self.values["result"] is not None:
            parts.append(f"last result: {_short(self.values['result'])}")
        return "; ".join(parts)


def _words(messages: Iterable[Message]) -> int:
    """Words between white space: of the texts, and of the arguments of calls as JSON."""
    return sum(
        len(message.content.split())
        + sum(len(json.dumps(call.arguments).split()) for call in message.tool_calls)
        for message in messages
    )


def _short(text: str | None, limit: int = 200) -> str:
    text = text or ""
    return repr(text) if len(text) <= limit else f"{text[:limit]!r}... ({len(text)} characters)"
