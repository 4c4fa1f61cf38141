"""Where policies come from, and what is said of bad ones: all of it, with lines."""

from __future__ import annotations

import asyncio
import importlib
import json
import pickle
import sys
import textwrap
import zipfile
from importlib.metadata import entry_points

import jsonschema
import pytest

from headrace.chat import ChatRequest, Message
from headrace.errors import NonRetryableError
from headrace_scripted import PolicyError, ScriptedChatModel

GOOD = 'rules:\n  - say: "read"\n'


def say(model: ScriptedChatModel) -> str:
    request = ChatRequest(messages=(Message(role="user", content="x"),))
    return asyncio.run(model.chat(request)).text


@pytest.fixture
def faults(tmp_path):
    """The faults of a policy's text, as they are printed."""

    def read(text: str) -> list[str]:
        path = tmp_path / "p.yaml"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        with pytest.raises(PolicyError) as caught:
            ScriptedChatModel(policy=str(path))
        return [str(fault) for fault in caught.value.faults]

    return read


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The name of an importable package, in a zip, that holds policies."""
    name = "policies_for_test"
    archive = tmp_path / "package.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(f"{name}/__init__.py", "")
        file.writestr(f"{name}/deep/policy.yaml", GOOD)
    monkeypatch.syspath_prepend(str(archive))
    importlib.invalidate_caches()
    yield name
    sys.modules.pop(name, None)


class TestSources:
    def test_a_file(self, tmp_path):
        path = tmp_path / "p.yaml"
        path.write_text(GOOD)
        model = ScriptedChatModel(policy=str(path))
        path.unlink()  # it was read when the model was built
        assert say(model) == "read"

    def test_a_relative_path(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "a:b").write_text(GOOD)
        assert say(ScriptedChatModel(policy="./a:b")) == "read"

    def test_a_file_of_a_package_that_lies_in_a_zip(self, package):
        assert say(ScriptedChatModel(policy=f"{package}:deep/policy.yaml")) == "read"

    def test_a_mapping(self):
        assert say(ScriptedChatModel(policy={"rules": [{"say": "inline"}]})) == "inline"

    def test_a_file_says_so_in_the_answer(self, tmp_path):
        (tmp_path / "p.yaml").write_text(GOOD)
        model = ScriptedChatModel(policy=str(tmp_path / "p.yaml"))
        request = ChatRequest(messages=(Message(role="user", content="x"),))
        assert asyncio.run(model.chat(request)).model == "scripted (no model: rules from a file)"

    @pytest.mark.parametrize(
        ("source", "why"),
        [
            ("nowhere/p.yaml", "cannot be read: No such file"),
            ("no_such_package_:p.yaml", "the package cannot be imported"),
            ("headrace_scripted:no.yaml", "cannot be read: No such file"),
            ("headrace_scripted:../x.yaml", "no '..'"),
        ],
    )
    def test_that_is_not_there_is_a_fault_that_no_retry_mends(self, source, why):
        with pytest.raises(PolicyError, match=why) as caught:
            ScriptedChatModel(policy=source)
        assert isinstance(caught.value, NonRetryableError)
        assert source in str(caught.value)

    def test_that_is_no_utf_8_is_a_fault(self, tmp_path):
        (tmp_path / "p.yaml").write_bytes(b"rules: \xff")
        with pytest.raises(PolicyError, match="not UTF-8"):
            ScriptedChatModel(policy=str(tmp_path / "p.yaml"))

    def test_of_the_plugin_is_its_entry_point(self):
        (point,) = entry_points(group="headrace.chat_models", name="scripted")
        assert point.load() is ScriptedChatModel


class TestFaults:
    def test_are_told_all_at_once_with_their_lines(self, faults):
        found = faults(
            r"""
            nmae: x
            rules:
              - when:
                  user: "(?P<log>.*"
                say: "{log}"
              - when: {user: "(?P<log>.*)", colour: red}
                say: "x"
              - when: {round: 2}
                say: "a { b"
                fail: {code: nope}
              - when: {round: 1}
                call:
                  tool: run
                  with:
                    a: "{lgo}"
                    b: ["x", "{user.x}"]
              - name: nothing
            """
        )
        places = [fault.split(": ")[0:2] for fault in found]
        assert places == [
            ["p.yaml:2", "nmae"],
            ["p.yaml:5", "rules[0].when.user"],
            ["p.yaml:7", "rules[1].when.colour"],
            ["p.yaml:9", "rules[2]"],
            ["p.yaml:10", "rules[2].say"],
            ["p.yaml:11", "rules[2].fail.code"],
            ["p.yaml:16", "rules[3].call[0].with.a"],
            ["p.yaml:17", "rules[3].call[0].with.b[1]"],
            ["p.yaml:18", "rules[4]"],
        ]

    @pytest.mark.parametrize(
        ("text", "fault"),
        [
            ("", "p.yaml:1: the policy: should be a mapping"),
            ("rules: []", "p.yaml:1: rules: "),
            ("name: x", "p.yaml:1: rules: is missing"),
            ("rules: [{say: a}", "p.yaml:1: this is not YAML"),
            ("a: 1\n---\nb: 2", "this is not YAML"),
            ("rules: [!!python/name:os.system {}]", "this is not YAML"),
            ("rules:\n- say: 2026-13-45", "this is not YAML"),
            ("rules:\n- say: 2026-01-01", "p.yaml:2: rules[0].say"),
            ("rules:\n- say: .nan", "p.yaml:2: rules[0].say: nan is not JSON"),
            ("rules:\n- say: a\n  say: b", "p.yaml:3: rules[0].say: is there twice"),
            ("rules:\n- say:", "there is nothing here"),
            ("rules:\n- fail:", "there is nothing here"),
            ("rules:\n- say: &a [*a]", "rules[0].say"),
            ("rules:\n- when:\n  say: x", "p.yaml:2: rules[0].when: should be a mapping"),
            ("rules:\n- when: {called: 5}\n  say: x", "p.yaml:2: rules[0].when.called[0]"),
            ("rules:\n- when: {round: 0}\n  say: x", "p.yaml:2: rules[0].when.round[0]"),
            ("rules:\n- when: {called: a, not_called: a}\n  say: x", "never true: a is also"),
            ("rules:\n- say: x\n  call: {tool: t}", "this one says call and say"),
            ("rules:\n- name: x", "this one says nothing"),
            ("rules:\n- call: {tool: 'a b'}", "p.yaml:2: rules[0].call[0].tool"),
            ("rules:\n- call: {tool: a, args: {}}", "args: there is no such field"),
            ("rules:\n- say: 'a } b'", "a lone '}' at character 3"),
            ("rules:\n- say: '{a b}'", "'{a b}' is no field"),
            ("rules:\n- say: '{}'", "'{}' is no field"),
            ("rules:\n- when: {user: '(?P<user>.)'}\n  say: x", "that name is the policy's own"),
            (
                "rules:\n- when: {user: '(?P<a>.)', any: '(?P<a>.)'}\n  say: x",
                "the group 'a' is also in 'user'",
            ),
            ("rules:\n- say: a\n- say: b", "p.yaml:3: rules[1]: never reached: rules[0] has no"),
            ("rules:\n- fail: {code: timeout, retry_after: -1}", "rules[0].fail.retry_after"),
            ("rules:\n- fail: {code: timeout, message: '{x}'}", "{x} is not a field of this rule"),
        ],
    )
    def test_are_found(self, faults, text, fault):
        assert any(fault in found for found in faults(text))

    def test_of_a_mapping_are_placed_without_lines(self):
        with pytest.raises(PolicyError) as caught:
            ScriptedChatModel(policy={"rules": [{"say": "{x}"}, {"sya": "y"}]})
        assert [fault.where for fault in caught.value.faults[:1]] == ["rules[1].sya"]
        assert "rules[0].say: {x} is not a field" in str(caught.value)

    def test_survive_pickling(self):
        with pytest.raises(PolicyError) as caught:
            ScriptedChatModel(policy={})
        copy = pickle.loads(pickle.dumps(caught.value))
        assert str(copy) == str(caught.value)


class TestSchema:
    def test_accepts_what_the_model_accepts(self):
        schema = ScriptedChatModel.policy_schema()
        json.dumps(schema)
        jsonschema.Draft202012Validator.check_schema(schema)
        check = jsonschema.Draft202012Validator(schema)
        good = {
            "rules": [
                {"when": {"called": "a", "round": [1, 2]}, "call": {"tool": "t", "with": {"x": 1}}},
                {"when": {"not_called": ["a"], "round": 2}, "call": [{"tool": "t"}]},
                {"say": {"a": ["{result}"]}},
            ]
        }
        ScriptedChatModel(policy=good)
        assert list(check.iter_errors(good)) == []
        for bad in ({}, {"rules": []}, {"rules": [{"call": []}]}, {"rules": [{"x": 1}]}):
            assert list(check.iter_errors(bad))
            with pytest.raises(PolicyError):
                ScriptedChatModel(policy=bad)
