"""Skills in an agent: a model finds, loads and runs one, in the local engine."""

from __future__ import annotations

import json

from headrace import (
    Agent,
    AgentPlan,
    ChatModel,
    ChatResponse,
    InputEvent,
    Message,
    OutputEvent,
    ToolCall,
    action,
    run_local,
    use,
)

from .conftest import add_file


class Follower(ChatModel):
    """Does what the skills ask: loads the one that is listed, runs its script, says the result."""

    async def chat(self, request):
        said = request.messages[-1]
        if said.role == "user":
            assert "<name>triage</name>" in request.messages[0].content
            return self._calls("load_skill", name="triage")
        if said.content.startswith("# Triage"):
            return self._calls("run_skill_script", skill="triage", script="sum.py", stdin="1 2 3")
        return ChatResponse(message=Message(role="assistant", content=said.content))

    def _calls(self, tool, /, **arguments):
        call = ToolCall(id=tool, name=tool, arguments=arguments)
        return ChatResponse(message=Message(role="assistant", tool_calls=(call,)))


class Counter(Agent):
    folder: str
    sandbox: str | None = "none"

    def resources(self):
        skills = use("tools", "skills", folders=[self.folder], sandbox=self.sandbox)
        return {"llm": use("chat_models", Follower), "skills": skills}

    @action(InputEvent)
    async def count(self, event, ctx):
        answer = await ctx.chat("llm", "Count.", tools=["skills"])
        ctx.send(OutputEvent(output=answer.text))


def test_the_result_of_a_script_is_what_it_printed(skill):
    source = "import json, sys; print(json.dumps({'sum': sum(map(int, sys.stdin.read().split()))}))"
    add_file(skill, "scripts/sum.py", source)
    plan = AgentPlan.from_agent(Counter(folder=str(skill.parent)))
    assert plan.resource_providers["tools"]["skills"].plugin is not None
    (output,) = run_local(Counter(folder=str(skill.parent)), ["x"])
    assert json.loads(output) == {"sum": 6}


def test_a_failure_is_told_to_the_model(skill):
    add_file(skill, "scripts/sum.py", "raise SystemExit('no numbers')")
    (output,) = run_local(Counter(folder=str(skill.parent)), ["x"])
    assert output.startswith("Error: the script sum.py of the skill triage failed with exit code 1")
    assert output.endswith("no numbers")


def test_without_a_word_of_the_project_a_script_cannot_write_beside_the_agent(skill, tmp_path):
    source = f"open({str(tmp_path / 'written')!r}, 'w').write('x'); print('written')"
    add_file(skill, "scripts/sum.py", source)
    (output,) = run_local(Counter(folder=str(skill.parent), sandbox=None), ["x"])
    assert output.startswith("Error: ")  # it failed, or there is no sandbox on this machine
    assert not (tmp_path / "written").exists()
    (output,) = run_local(Counter(folder=str(skill.parent)), ["x"])
    assert (output, (tmp_path / "written").exists()) == ("written\n", True)
