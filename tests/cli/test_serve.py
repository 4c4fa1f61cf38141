"""``agents serve``: real requests, and a process that is killed."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from tests.servers import AGENTS, Server

from headrace_cli._serving._app import _sent

AGENT = '''
import asyncio

from headrace import Agent, Context, InputEvent, OutputEvent, action, use
from headrace.agents import ChatAgent


class Waiter(ChatAgent):
    """Serves drinks, and remembers."""

    model = use("chat_models", "scripted", policy="waiter.yaml")
    history = True


class Host(ChatAgent):
    """Knows its guests for long; the same agent in the stream and behind HTTP."""

    model = use("chat_models", "scripted", policy="waiter.yaml")
    memories = use("memory", "sqlite", path="memories.db")
    memory = True
    prompt = "{said}"


class Greeter(Agent):
    @action(InputEvent)
    async def greet(self, event: InputEvent, ctx: Context) -> None:
        ctx.send(OutputEvent(output=ctx.config["greeting"]))


class Failing(Agent):
    @action(InputEvent)
    async def fail(self, event: InputEvent, ctx: Context) -> None:
        if event.input == "wait":
            await asyncio.get_running_loop().create_future()
        if event.input == "burn":
            raise ValueError("a secret")
        ctx.send(OutputEvent(output={"heard": event.input, "key": ctx.key}))
'''
AGENTS_FILE = """
agents:
  waiter:
    class: ChatAgent
    resources: {model: house}
"""
RESOURCES_FILE = """
resources:
  house: {kind: chat_models, use: scripted, with: {policy: waiter.yaml}}
"""
PROJECT = """
[tool.agents]
agent = "shop:Failing"
[tool.agents.run]
key = "who"
"""
RULES = """
rules:
  - name: what was it
    when: {user: 'the same', any: 'one (?P<drink>\\w+)'}
    say: 'Another {drink}.'
  - name: recalled
    when: {user: 'the usual', system: 'one (?P<drink>\\w+)'}
    say: 'As always, {drink}.'
  - name: served
    when: {user: 'one (?P<drink>\\w+)'}
    say: 'Here is your {drink} <b>now</b>.'
  - name: what
    say: 'What would you like?'
"""


STREAMED = {"Accept": "text/event-stream"}


def events_of(response):
    """The events of a stream, each with what it is and what it says."""
    parts = (one.split("\n") for one in response.text.strip().split("\n\n"))
    return [
        (first.removeprefix("event: "), json.loads(second.removeprefix("data: ")))
        for first, second in parts
    ]


@pytest.fixture
def serve(tmp_path):
    (tmp_path / "shop.py").write_text(AGENT)
    (tmp_path / "waiter.yaml").write_text(RULES)
    started = []

    def serve(*arguments, **environment):
        started.append(Server(tmp_path, *arguments, **environment))
        return started[-1]

    yield serve
    for server in started:
        server.end(signal.SIGKILL)


@pytest.fixture
def waiter(serve):
    return serve("shop.py:Waiter")


class TestAnswers:
    def test_a_conversation_goes_on_by_its_key(self, waiter):
        said = [waiter.said("one tea"), waiter.said("the same"), waiter.said("the same", "bob")]

        assert said == [
            ["Here is your tea <b>now</b>."],
            ["Another tea."],
            ["What would you like?"],
        ]

    def test_parts_come_as_events_and_the_whole_at_the_end(self, waiter):
        for key, drink in (("ada", "tea"), ("bob", "beer"), ("ada", "milk")):
            events = events_of(waiter.ask(f"one {drink}", key, headers=STREAMED))

            whole = f"Here is your {drink} <b>now</b>."
            assert "".join(data for what, data in events if what == "delta") == whole
            assert events[-1] == ("done", [whole])

    def test_parts_go_to_who_asked_though_many_ask_at_once(self, waiter):
        def asked(number):
            return events_of(waiter.ask(f"one tea{number}", f"guest {number}", headers=STREAMED))

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(asked, range(24)))

        for number, events in enumerate(answers):
            told = "".join(data for what, data in events if what == "delta")
            assert told == f"Here is your tea{number} <b>now</b>."

    def test_one_that_fails_is_an_error_and_the_next_is_answered(self, serve):
        server = serve("shop.py:Failing")

        failed, fine = server.ask("burn"), server.ask("x")

        assert (failed.status_code, failed.json()) == (500, {"error": "the agent could not answer"})
        assert fine.json() == {"outputs": [{"heard": "x", "key": "ada"}]}

    def test_an_input_of_any_form_has_its_key_in_a_field(self, serve):
        server = serve("shop.py:Failing", "--key", "guest.name")

        asked = {"input": {"guest": {"name": "eve"}}}
        [output] = server.http.post("/api/chat", json=asked).json()["outputs"]

        assert output["key"] == "eve"


class TestSilence:
    def test_a_stream_that_says_nothing_says_that_it_is_there(self, monkeypatch):
        monkeypatch.setattr("headrace_cli._serving._app._SILENCE", 0.001)

        async def talk():
            released = asyncio.Event()

            async def events():
                await released.wait()
                yield "done", []

            parts = _sent(events())
            first = await anext(parts)
            released.set()
            return first, [part async for part in parts if not part.startswith(b":")]

        first, rest = asyncio.run(talk())

        assert first.startswith(b":")
        assert first.endswith(b"\n\n")
        assert rest == [b"event: done\ndata: []\n\n"]


class TestMemory:
    def test_a_server_that_was_killed_goes_on_with_the_conversation(self, serve):
        first = serve("shop.py:Waiter", "--state", "state.db")
        first.said("one tea")
        first.end(signal.SIGKILL)

        assert serve("shop.py:Waiter", "--state", "state.db").said("the same") == ["Another tea."]

    def test_what_the_stream_learned_is_known_to_the_server(self, serve, tmp_path):
        (tmp_path / "in.jsonl").write_text('{"guest": "ada", "said": "one cider, my usual"}\n')
        stream = ["run", "shop.py:Host", "--input", "in.jsonl", "--key", "guest", "--quiet"]
        subprocess.run([*AGENTS, *stream], cwd=tmp_path, check=True)
        server = serve("shop.py:Host", "--key", "guest", "--message-field", "said")

        assert server.said("the usual") == ["As always, cider."]


class TestWhatIsTyped:
    def test_a_setting_holds(self, serve):
        server = serve("shop.py:Greeter", "--set", "values.greeting=Ahoy")

        assert server.said("x") == ["Ahoy"]

    def test_a_projects_key_is_the_key(self, serve, tmp_path):
        (tmp_path / "pyproject.toml").write_text(PROJECT)
        server = serve(".")

        [output] = server.http.post("/api/chat", json={"input": {"who": "eve"}}).json()["outputs"]

        assert output["key"] == "eve"

    def test_an_agents_file_is_read_with_the_others_that_are_named(self, serve, tmp_path):
        (tmp_path / "agents.yaml").write_text(AGENTS_FILE)
        (tmp_path / "house.yaml").write_text(RESOURCES_FILE)
        server = serve("agents.yaml:waiter", "-f", "house.yaml")

        assert server.said("one tea") == ["Here is your tea <b>now</b>."]


class TestLimits:
    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b"{", 400),
            (b"[]", 400),
            (b'{"key": "a"}', 400),
            (b'{"message": "x"}', 400),
            (b'{"key": "", "message": "x"}', 400),
            (b'{"key": "a", "message": " "}', 400),
            (b'{"key": "a", "message": "x", "more": 1}', 400),
            (b'{"key": "a", "input": {"headrace.decision": {}}}', 400),
            (b'{"key": "a", "message": "' + b"x" * 70_000 + b'"}', 413),
        ],
    )
    def test_what_is_no_question_is_refused(self, waiter, body, status):
        headers = {"Content-Type": "application/json"}

        assert waiter.http.post("/api/chat", content=body, headers=headers).status_code == status

    def test_more_requests_than_may_be_under_way_are_refused(self, serve):
        server = serve("shop.py:Failing", "--max-requests", "1")

        def wait():
            while server.ask("wait").status_code == 503:  # the other one was there first
                pass

        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(wait)
            while (refused := server.ask("x", "bob")).status_code == 200:  # it is not there yet
                pass
            server.end(signal.SIGKILL)
            assert waiting.exception() is not None

        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")

    @pytest.mark.parametrize("of_people", ["decision", "verdict"])
    def test_what_people_say_to_agents_is_not_taken_from_who_chats(self, waiter, of_people):
        body = {"key": "ada", "input": {f"headrace.{of_people}": {}}}
        response = waiter.http.post("/api/chat", json=body)

        assert response.status_code == 400
        assert "are not taken here" in response.json()["error"]

    def test_another_sites_form_is_refused(self, waiter):
        response = waiter.http.post("/api/chat", content=b'{"key": "a", "message": "x"}')

        assert response.status_code == 415

    def test_another_sites_name_that_leads_here_is_refused(self, waiter):
        assert waiter.ask("one tea", headers={"Host": "evil.example"}).status_code == 400


class TestTokens:
    TOKEN = "a-token-of-some-length"  # noqa: S105 - of this test

    def test_without_the_token_there_is_no_answer(self, serve):
        server = serve("shop.py:Waiter", HEADRACE_SERVE_TOKEN=self.TOKEN)

        right = {"Authorization": f"Bearer {self.TOKEN}"}
        assert server.ask("one tea").status_code == 401
        assert server.ask("one tea", headers={"Authorization": "Bearer no"}).status_code == 401
        assert server.ask("one tea", headers=right).status_code == 200

    def test_other_machines_need_one(self, place):
        result = place.run("serve", place.agent("Echo"), "--host", "0.0.0.0")  # noqa: S104

        assert result.exit_code == 2
        assert "must bring a token" in result.output

    def test_one_that_can_be_guessed_is_refused(self, place):
        file = place.write("token", "short")
        result = place.run("serve", place.agent("Echo"), "--token-file", file)

        assert result.exit_code == 2


def test_it_ends_cleanly_when_it_is_told_to(waiter):
    waiter.said("one tea")

    assert waiter.end(signal.SIGTERM) in {0, -signal.SIGTERM, 128 + signal.SIGTERM}


def test_a_share_of_what_is_answered_is_put_aside(serve, tmp_path):
    server = serve("shop.py:Failing", "--set", "samples.folder=aside", "--set", "samples.share=1")
    answer = server.said("tea")
    server.end()
    [file] = (tmp_path / "aside" / "Failing").glob("*.json")

    assert json.loads(file.read_text())["outputs"] == answer


def test_metrics_are_shown_beside_the_server(serve):
    server = serve("shop.py:Waiter", "--metrics", "127.0.0.1:0")
    assert server.said("one tea, please")
    address = server.process.stderr.readline().removeprefix("metrics: ").strip()
    text = httpx.get(address, trust_env=False).text
    assert 'headrace_runs_total{agent="Waiter",outcome="finished"} 1\n' in text
    assert 'headrace_model_calls_total{agent="Waiter",' in text
