"""A whole agent that is led by a policy, run by the local engine."""

from __future__ import annotations

import json

from headrace import Agent, InputEvent, OutputEvent, ToolError, action, run_local, tool, use
from headrace.policy import DEAD_LETTER

POLICY = {
    "rules": [
        {
            "when": {"not_called": "count", "user": r"Text:\n(?P<text>.*)"},
            "call": {"tool": "count", "with": {"text": "{text}"}},
        },
        {"when": {"result": "^Error"}, "say": "no: {result}"},
        {"when": {"called": "count"}, "say": {"words": "{result.words}"}},
    ]
}


class Counter(Agent):
    """Counts words with a tool."""

    model = use("chat_models", "scripted", policy=POLICY)

    @tool()
    def count(self, text: str) -> dict:
        """Counts words."""
        if "!" in text:
            raise ToolError("too loud")
        return {"words": len(text.split())}

    @action(InputEvent, on_failure=DEAD_LETTER)
    async def answer(self, event, ctx):
        response = await ctx.chat("model", event.input, tools=["count"])
        ctx.send(OutputEvent(output=response.text))


def test_agent_calls_a_tool_and_answers_with_its_result():
    (output,) = run_local(Counter(), ["Text:\none\ntwo three"])
    assert json.loads(output) == {"words": 3}


def test_failure_of_a_tool_is_a_result_that_rules_can_see():
    (output,) = run_local(Counter(), ["Text:\nloud!"])
    assert output.startswith("no: Error")
    assert "too loud" in output


def test_question_that_no_rule_knows_is_a_dead_letter_that_names_it():
    outputs = run_local(Counter(), ["What is love?"])
    assert list(outputs) == []
    assert "What is love?" in json.dumps(outputs.dead_letters, default=str)
