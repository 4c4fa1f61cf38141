"""`agents run --record` and `agents replay`."""

from __future__ import annotations

import json
import stat
import subprocess
import sys

import pytest

SHOP = """
from headrace import (
    Agent, ChatModel, ChatRequest, ChatResponse, Context, InputEvent, Message, OutputEvent,
    Usage, action, tool, use,
)


class Parrot(ChatModel):
    async def chat(self, request: ChatRequest) -> ChatResponse:
        said = " ".join(message.content for message in request.messages)
        return ChatResponse(
            message=Message(role="assistant", content=said), usage=Usage(input_tokens=len(said))
        )


class Shop(Agent):
    tone: str = "Kindly:"
    model: str = "a"
    llm = use("chat_models", Parrot)

    @tool()
    def price(self, item: str) -> int:
        print("the price is asked")
        return len(item)

    @action(InputEvent)
    async def answer(self, event: InputEvent, ctx: Context) -> None:
        ctx.short_term["seen"] = ctx.short_term.get("seen", 0) + 1
        system = Message(role="system", content=self.tone)
        user = Message(role="user", content=event.input["say"])
        said = (await ctx.chat("llm", [system, user])).text
        price = await ctx.tool("price", item=event.input["say"])
        ctx.send(OutputEvent(output={"said": said, "price": price, "model": self.model}))
"""


@pytest.fixture
def shop(place):
    """A project with three recorded runs."""
    name = f"shop_{place.module}"
    place.write(f"{name}.py", SHOP)
    place.write("pyproject.toml", f'[tool.agents]\nagent = "{name}:Shop"\n')
    place.lines("in.jsonl", [{"who": who, "say": say} for who, say in _SAID])
    place.target = f"{name}:Shop"
    place.recorded = place.run(
        "run", ".", "--input", "in.jsonl", "--output", "o", "--key", "who", "--record", "r.jsonl"
    )
    assert place.recorded.exit_code == 0, place.recorded.output
    return place


_SAID = [("ada", "pear"), ("bo", "fig"), ("ada", "plum")]


def replay(shop, *options):
    return shop.run("replay", "r.jsonl", *options)


class TestRecording:
    def test_it_is_its_owners_alone(self, shop):
        assert stat.S_IMODE((shop.folder / "r.jsonl").stat().st_mode) == 0o600

    def test_it_may_not_be_a_stream(self, shop):
        result = shop.run("run", ".", "--input", "in.jsonl", "--record", "-")

        assert result.exit_code == 2
        assert "--record must be a file" in result.stderr

    def test_it_may_not_be_the_output(self, shop):
        result = shop.run("run", ".", "--input", "in.jsonl", "--output", "x", "--record", "x")

        assert result.exit_code == 2
        assert "--output and --record are one file" in result.stderr

    def test_it_is_for_the_local_engine(self, shop):
        options = ("--engine", "flink", "--input", "in.jsonl", "--output", "x", "--record", "y")
        result = shop.run("run", ".", *options)

        assert result.exit_code == 2
        assert "--record is for the local engine" in result.stderr


class TestNothingDiffers:
    def test_that_is_said_in_one_line(self, shop):
        result = replay(shop)

        assert result.exit_code == 0, result.output
        assert result.stdout == "3 runs: 3 same, 0 changed, 0 failed; tokens 35 -> 35\n"

    def test_nothing_is_called(self, shop):
        assert "the price is asked" not in replay(shop).output

    def test_it_is_right_for_ci(self, shop):
        assert replay(shop, "--exit-code").exit_code == 0


class TestAnotherPrompt:
    def test_the_requests_are_shown_side_by_side(self, shop):
        lines = replay(shop, "--param", "tone=Gruffly:").stdout.splitlines()

        assert "    -Kindly:" in lines
        assert "    +Gruffly:" in lines

    def test_every_run_that_has_changed_is_named(self, shop):
        out = replay(shop, "--param", "tone=Gruffly:").stdout

        assert out.count('(key "ada"): changed') == 2
        assert out.count('(key "bo"): changed') == 1

    def test_the_counts_come_last(self, shop):
        last = replay(shop, "--param", "tone=Gruffly:").stdout.splitlines()[-1]

        assert last.startswith(
            "3 runs: 0 same, 3 changed (3 ended at a call that was not recorded)"
        )

    def test_alone_it_is_no_failure(self, shop):
        assert replay(shop, "--param", "tone=Gruffly:").exit_code == 0

    def test_for_ci_it_is(self, shop):
        assert replay(shop, "--param", "tone=Gruffly:", "--exit-code").exit_code == 1

    def test_with_leave_models_are_asked(self, shop):
        out = replay(shop, "--param", "tone=Gruffly:", "--ask", "changed").stdout

        assert 'output [0].said: "Kindly: pear" -> "Gruffly: pear"' in out
        assert "3 calls made; tokens 35 -> 38" in out


class TestOtherParameters:
    def test_what_comes_out_is_compared(self, shop):
        out = replay(shop, "--model", "b").stdout

        assert out.count('output [0].model: "a" -> "b"') == 3

    def test_one_that_there_is_not(self, shop):
        result = replay(shop, "--param", "mood=bad")

        assert result.exit_code == 2
        assert "there is no such parameter" in result.stderr


class TestCalls:
    def test_a_tool_is_called_by_name(self, shop):
        out = replay(shop, "--call", "price=all").stdout

        assert out.count("the price is asked") == 3

    def test_only_where_it_was_not_recorded_by_default(self, shop):
        assert "the price is asked" not in replay(shop, "--call", "price").stdout

    def test_a_name_that_nothing_has_is_told(self, shop):
        assert "note: no call was named prize" in replay(shop, "--call", "prize").stderr

    @pytest.mark.parametrize("text", ["price=often", "=all"])
    def test_a_mode_that_there_is_not(self, shop, text):
        result = replay(shop, "--call", text)

        assert result.exit_code == 2
        assert "NAME=MODE" in result.stderr


class TestSomeRuns:
    def test_those_of_a_key(self, shop):
        assert replay(shop, "--key", "ada").stdout.startswith("2 runs: 2 same")

    def test_one_by_the_beginning_of_its_id(self, shop):
        first = json.loads(replay(shop, "--json").stdout)["runs"][0]["run"]

        assert replay(shop, "--run", first[:8]).stdout.startswith("1 run: 1 same")

    def test_none(self, shop):
        result = replay(shop, "--key", "eva")

        assert result.exit_code == 1
        assert "there is no such run in the recording" in result.stderr


class TestJson:
    def test_it_has_every_run(self, shop):
        data = json.loads(replay(shop, "--json").stdout)

        assert [run["verdict"] for run in data["runs"]] == ["same"] * 3

    def test_it_has_the_counts(self, shop):
        summary = json.loads(replay(shop, "--model", "b", "--json").stdout)["summary"]

        assert (summary["runs"], summary["changed"]) == (3, 3)

    def test_it_has_what_differs(self, shop):
        [run, *_] = json.loads(replay(shop, "--model", "b", "--json").stdout)["runs"]

        assert run["outputs"] == [{"path": "[0].model", "before": "a", "after": "b"}]

    def test_it_sets_the_exit_code_too(self, shop):
        assert replay(shop, "--model", "b", "--json", "--exit-code").exit_code == 1


class TestTargets:
    def test_one_can_be_named(self, shop):
        assert replay(shop, shop.target).stdout.startswith("3 runs: 3 same")

    def test_without_a_project_it_must_be(self, shop):
        (shop.folder / "pyproject.toml").unlink()
        result = replay(shop)

        assert result.exit_code == 2
        assert "it is not said which agent is to run" in result.stderr

    def test_another_agent_than_was_recorded_is_told(self, shop):
        result = replay(shop, shop.agent("Echo"))

        assert "note: the recording is of the agent Shop" in result.stderr

    def test_a_zip_is_none(self, shop):
        result = replay(shop, "job.zip")

        assert result.exit_code == 2
        assert "name the agent that it was built from" in result.stderr


class TestBadRecordings:
    def test_a_line_that_is_cut_is_named(self, shop):
        path = shop.folder / "r.jsonl"
        path.write_bytes(path.read_bytes()[:-9])
        result = replay(shop)

        assert result.exit_code == 1
        assert "r.jsonl:4: the line is cut" in result.stderr

    def test_what_a_terminal_would_obey_is_not_printed(self, shop):
        shop.lines("in.jsonl", [{"who": "ada", "say": "\x1b[2J\u202e"}])
        shop.run("run", ".", "--input", "in.jsonl", "--output", "o", "--record", "r.jsonl")
        out = replay(shop, "--param", "tone=\x1b]0;x\x07").stdout

        assert "\\x1b[2J\\u202e" in out
        assert not {"\x1b", "\x07", "\u202e"} & set(out)

    def test_one_that_is_not_there(self, shop):
        assert shop.run("replay", "nothing.jsonl", ".").exit_code == 2


ECHO = """
from headrace import Agent, Context, InputEvent, OutputEvent, action


class Echo(Agent):
    step: int = 1

    @action(InputEvent)
    async def echo(self, event: InputEvent, ctx: Context) -> None:
        ctx.short_term["n"] = ctx.short_term.get("n", 0) + self.step
        ctx.send(OutputEvent(output={"n": ctx.short_term["n"], "of": event.input}))
"""


@pytest.mark.slow
def test_what_a_zip_did_can_be_run_again_from_its_source(kit, tmp_path):
    project = kit.project(
        tmp_path / "project", agent="echoes:Echo", files={"echoes.py": ECHO}, more=""
    )
    zipped = tmp_path / "job.zip"
    kit.build(project, output=zipped)
    (tmp_path / "in.jsonl").write_text('"a"\n"b"\n')

    def agents(*arguments):
        return subprocess.run(
            [sys.executable, "-c", "from headrace_cli.main import main; main()", *arguments],
            cwd=tmp_path,
            env=kit.environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=200,
        ).stdout

    agents("run", str(zipped), "--input", "in.jsonl", "--output", "o", "--record", "r.jsonl")
    told = agents("replay", "r.jsonl", str(project), "--param", "step=2", "--key", "b")

    assert "output [0].n: 1 -> 2" in told
