"""What a policy answers: calls, texts and failures, by the rules' order and conditions."""

from __future__ import annotations

import asyncio
import json

import pytest

from headrace.chat import ChatRequest, ChatResponse, Message, ToolCall, ToolSpec
from headrace.errors import ModelError
from headrace_scripted import ScriptedChatModel

LOG = """\
2026-08-01 12:00:00 WARN  Task - Source -> Map (1/2) switched from RUNNING to FAILED
java.lang.OutOfMemoryError: Java heap space {"braces": "{result}"}
\tat org.example.Job.main(Job.java:1)"""

TRIAGE = {
    "name": "triage",
    "rules": [
        {
            "name": "read the skill",
            "when": {"not_called": "load_skill"},
            "call": {"tool": "load_skill", "with": {"name": "flink-triage"}},
        },
        {
            "name": "classify",
            "when": {
                "called": "load_skill",
                "not_called": "run_skill_script",
                "user": r"\ALog lines:\n(?P<log>.*)\Z",
            },
            "call": {
                "tool": "run_skill_script",
                "with": {
                    "skill": "flink-triage",
                    "script": "scripts/classify.py",
                    "stdin": "{log}",
                },
            },
        },
        {
            "name": "answer",
            "when": {"called": "run_skill_script", "result": '"exit_code": 0'},
            "say": {"class": "{result.stdout.class}", "score": "{result.stdout.score}"},
        },
    ],
}


def tools(*names: str) -> tuple[ToolSpec, ...]:
    return tuple(ToolSpec(name=name) for name in names)


def user(text: str) -> Message:
    return Message(role="user", content=text)


def called(*names: str) -> Message:
    calls = tuple(ToolCall(id=f"{at}", name=name) for at, name in enumerate(names))
    return Message(role="assistant", tool_calls=calls)


def result(text: str, call: str = "0") -> Message:
    return Message(role="tool", content=text, tool_call_id=call)


def ask(
    rules: list[object] | dict[str, object], *messages: Message, offered: tuple[str, ...] = ("t",)
) -> ChatResponse:
    policy = rules if isinstance(rules, dict) else {"rules": rules}
    model = ScriptedChatModel(policy=policy)
    return asyncio.run(model.chat(ChatRequest(messages=messages, tools=tools(*offered))))


def refusal(rules: list[object], *messages: Message, **more: tuple[str, ...]) -> ModelError:
    with pytest.raises(ModelError) as caught:
        ask(rules, *messages, **more)
    return caught.value


class TestTriage:
    """The conversation of the incident example, as the runtime leads it."""

    def test_leads_from_the_skill_over_its_script_to_the_answer(self):
        model = ScriptedChatModel(policy=TRIAGE)
        messages = [user(f"Log lines:\n{LOG}")]
        offered = tools("load_skill", "run_skill_script")
        results = {
            "load_skill": "# Flink triage\nRun scripts/classify.py",
            "run_skill_script": json.dumps(
                {"exit_code": 0, "stdout": json.dumps({"class": "oom", "score": 0.9})}
            ),
        }
        calls = []
        for _ in range(3):
            response = asyncio.run(model.chat(ChatRequest(messages=tuple(messages), tools=offered)))
            messages.append(response.message)
            for call in response.message.tool_calls:
                calls.append((call.name, call.arguments))
                messages.append(result(results[call.name], call.id))

        assert calls == [
            ("load_skill", {"name": "flink-triage"}),
            (
                "run_skill_script",
                {"skill": "flink-triage", "script": "scripts/classify.py", "stdin": LOG},
            ),
        ]
        assert json.loads(response.text) == {"class": "oom", "score": 0.9}
        assert response.finish_reason == "stop"
        ids = [call.id for message in messages for call in message.tool_calls]
        assert len(set(ids)) == len(ids)

    def test_answers_the_same_request_the_same_way(self):
        assert ask(TRIAGE, user("Log"), offered=("load_skill",)) == ask(
            TRIAGE, user("Log"), offered=("load_skill",)
        )


class TestConditions:
    @pytest.mark.parametrize(
        ("when", "messages"),
        [
            ({"user": "b$"}, [user("a"), user("a\nb")]),
            ({"user": "(?i)HELLO"}, [user("hello")]),
            ({"system": "be brief"}, [Message(role="system", content="be brief"), user("x")]),
            ({"any": "early"}, [user("early"), user("late")]),
            ({"any": "told"}, [user("x"), called("t"), result("told")]),
            (
                {"result": "second"},
                [user("x"), called("t", "t"), result("first"), result("second")],
            ),
            ({"called": "t"}, [user("x"), called("t"), result("r")]),
            ({"called": ["t", "u"]}, [user("x"), called("t"), called("u")]),
            ({"not_called": ["u", "v"]}, [user("x"), called("t")]),
            ({"round": 1}, [user("x")]),
            ({"round": [2, 3]}, [user("x"), called("t"), result("r")]),
            ({"round": 1}, [user("x"), Message(role="assistant", content="y"), user("z")]),
            ({}, [user("x")]),
        ],
    )
    def test_hold(self, when, messages):
        assert ask([{"when": when, "say": "yes"}], *messages).text == "yes"

    @pytest.mark.parametrize(
        ("when", "messages", "why"),
        [
            ({"user": "a"}, [user("a"), user("b")], "'user' does not match"),
            ({"user": ""}, [Message(role="system", content="a")], "'user' does not match"),
            ({"system": ""}, [user("a")], "'system' does not match"),
            ({"any": "b"}, [user("a")], "'any' does not match"),
            ({"result": "first"}, [user("x"), result("first"), result("second")], "'result'"),
            ({"result": ""}, [user("x")], "'result' does not match"),
            ({"called": ["t", "u"]}, [user("x"), called("t")], "not called yet: u"),
            ({"not_called": ["t", "u"]}, [user("x"), called("t")], "called already: t"),
            ({"round": 2}, [user("x")], "another round"),
            ({"user": "x", "round": 2}, [user("x")], "another round"),
        ],
    )
    def test_do_not_hold(self, when, messages, why):
        error = refusal([{"when": when, "say": "yes"}], *messages)
        assert error.code == "bad_request"
        assert why in str(error)

    def test_of_several_rules_the_first_that_counts_answers(self):
        rules = [
            {"when": {"user": "nowhere"}, "say": "1"},
            {"when": {"user": "x"}, "say": "2"},
            {"say": "3"},
        ]
        assert ask(rules, user("x")).text == "2"

    def test_any_takes_its_groups_from_the_newest_message(self):
        rules = [{"when": {"any": r"id=(?P<id>\d+)"}, "say": "{id}"}]
        assert ask(rules, user("id=1"), user("id=2"), user("none")).text == "2"

    def test_none_that_counts_names_what_was_asked(self):
        rules = [{"name": "greet", "when": {"user": "hello"}, "say": "hi"}]
        error = refusal(rules, user("x" * 1000), called("t"), result("the result"))
        assert error.code == "bad_request"
        assert not error.retryable
        text = str(error)
        assert "round 2" in text
        assert "called: t" in text
        assert "'the result'" in text
        assert "(1000 characters)" in text
        assert "rule 1 (greet): 'user' does not match" in text
        assert len(text) < 600


class TestTemplates:
    @pytest.mark.parametrize(
        ("say", "text"),
        [
            ("{who} {who}", "Ann Ann"),
            ('{{"a": "{who}"}}', '{"a": "Ann"}'),
            ("{{{who}}}", "{Ann}"),
            ("{{who}}", "{who}"),
            ("[{gone}]", "[]"),
            ("{user}", "I am Ann {result}"),
            ("{system}|{round}", "sys|2"),
            ("{result.name}", "Zürich"),
            ("{result.list.1.x}", "2"),
            ("{result.list}", '[{"x": 1}, {"x": 2}]'),
            ("{result.text.inner}", "deep"),
            ("{result.none}", "null"),
            ("", ""),
            ({"n": "{result.number}", "t": "is {result.number}", "k": 1}, None),
            (["{result.list.0}", True, None], None),
        ],
    )
    def test_fill_a_text(self, say, text):
        answer = json.dumps(
            {
                "name": "Zürich",
                "number": 1.5,
                "none": None,
                "list": [{"x": 1}, {"x": 2}],
                "text": '{"inner": "deep"}',
            }
        )
        when = {"user": "am (?P<who>[A-Z][a-z]+)(?P<gone>!)?"}
        response = ask(
            [{"when": when, "say": say}],
            Message(role="system", content="sys"),
            user("I am Ann {result}"),
            called("t"),
            result(answer),
        )
        if text is not None:
            assert response.text == text
        elif isinstance(say, dict):
            assert json.loads(response.text) == {"n": 1.5, "t": "is 1.5", "k": 1}
        else:
            assert json.loads(response.text) == [{"x": 1}, True, None]

    def test_do_not_read_what_was_filled_in(self):
        rules = [{"when": {"user": "(?P<all>.*)"}, "say": "{all}"}]
        assert ask(rules, user("{round} {{x}} {all}")).text == "{round} {{x}} {all}"

    def test_carry_many_lines_whole(self):
        text = "first\n" + "\n".join(f"line {n} {{" for n in range(20_000))
        rules = [
            {
                "when": {"user": r"first\n(?P<rest>.*)"},
                "call": {"tool": "t", "with": {"stdin": "{rest}"}},
            }
        ]
        (call,) = ask(rules, user(text)).message.tool_calls
        assert call.arguments["stdin"] == text.removeprefix("first\n")

    def test_keep_the_type_of_a_lone_result_field_in_arguments(self):
        arguments = {
            "n": "{result.n}",
            "all": "{result}",
            "deep": [{"x": "n is {result.n}"}],
            "k": 1,
        }
        (call,) = ask(
            [{"call": {"tool": "t", "with": arguments}}], user("x"), called("t"), result('{"n": 3}')
        ).message.tool_calls
        assert call.arguments == {"n": 3, "all": '{"n": 3}', "deep": [{"x": "n is 3"}], "k": 1}

    @pytest.mark.parametrize(
        ("say", "results", "why"),
        [
            ("{result}", [], "no tool has answered yet"),
            ("{result.a}", ["Error: no"], "result is not JSON, it begins 'Error: no'"),
            ("{result.b}", ['{"a": 1}'], "result has no 'b' (it has: a)"),
            ("{result.b}", ["{}"], "(it has: nothing)"),
            ("{result.a.b}", ['{"a": 1}'], "result.a is 1, which holds nothing"),
            ("{result.2}", ["[1, 2]"], "result is a list of 2, not '2'"),
            ("{result.a.b}", ['{"a": "text"}'], "result.a is not JSON"),
        ],
    )
    def test_without_a_value_are_a_bad_request_that_names_the_rule(self, say, results, why):
        error = refusal([{"name": "r", "say": say}], user("x"), *map(result, results))
        assert error.code == "bad_request"
        assert "rule 1 (r)" in str(error)
        assert why in str(error)


class TestActions:
    def test_call_several_tools_in_one_answer(self):
        rules = [{"call": [{"tool": "a"}, {"tool": "b", "with": {"x": [1, {"y": None}]}}]}]
        response = ask(rules, user("x"), offered=("a", "b"))
        assert [(c.name, c.arguments) for c in response.message.tool_calls] == [
            ("a", {}),
            ("b", {"x": [1, {"y": None}]}),
        ]
        assert response.finish_reason == "tool_calls"
        assert len({c.id for c in response.message.tool_calls}) == 2

    def test_calling_a_tool_that_is_not_offered_is_a_bad_request(self):
        error = refusal([{"call": {"tool": "x"}}], user("x"), offered=("a", "b"))
        assert error.code == "bad_request"
        assert "'x'" in str(error)
        assert "it offers: a, b" in str(error)

    def test_fail_with_the_code_that_the_rule_says(self):
        fail = {"code": "rate_limited", "message": "wait, {user}", "retry_after": 2}
        error = refusal([{"fail": fail}], user("Ann"))
        assert (str(error), error.code, error.retry_after) == ("wait, Ann", "rate_limited", 2.0)
        assert error.retryable

    def test_say_who_answered_and_count_words(self):
        response = ask([{"say": "three short words"}], user("one two\n three  four"))
        assert response.model == "scripted (no model: rules from the plan)"
        assert (response.usage.input_tokens, response.usage.output_tokens) == (4, 3)

    def test_count_the_words_of_a_calls_arguments(self):
        response = ask([{"call": {"tool": "t", "with": {"a": "b c"}}}], user("x"))
        assert response.usage.output_tokens == len(['{"a":', '"b', 'c"}'])
