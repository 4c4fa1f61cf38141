"""Prompts from files: part of the plan, read beside what names them."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys

import pytest

from headrace import AgentBuilder, AgentPlan, Message, Prompt, load_agent, use
from headrace.errors import PlanError, ResourceError
from headrace.prompt_files import MAX_BYTES, read_prompt

MODULE = """
from headrace import Agent, Context, InputEvent, action, use


class Base(Agent):
    ask = use("prompts", "file", path="ask.md")

    @action(InputEvent)
    def nothing(self, event: InputEvent, ctx: Context) -> None:
        pass
"""


@pytest.fixture
def module(tmp_path):
    """A module of an agent, with a prompt's file beside it."""
    folder = tmp_path / "project"
    folder.mkdir()
    name = f"filed_agents_{os.getpid()}"
    (folder / f"{name}.py").write_text(MODULE, encoding="utf-8")
    (folder / "ask.md").write_text("# Ask\r\n\nabout {name}\n\n", encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    made = importlib.util.module_from_spec(spec)
    sys.modules[name] = made
    sys.path.insert(0, str(folder))
    spec.loader.exec_module(made)
    yield made
    sys.path.remove(str(folder))
    del sys.modules[name]


def prompt_of(plan, name="ask"):
    provider = plan.resource_providers["prompts"][name]
    assert provider.target is None
    return Prompt(**provider.arguments)


def test_a_text_beside_the_module_of_the_class_is_part_of_the_plan(module):
    assert prompt_of(AgentPlan.from_agent(module.Base())) == Prompt("# Ask\n\nabout {name}")


def test_a_subclass_elsewhere_has_the_file_of_its_base(module, tmp_path, monkeypatch):
    name = f"filed_subclasses_{os.getpid()}"
    text = f"from {module.__name__} import Base\n\n\nclass Sub(Base):\n    pass\n"
    (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    kind = importlib.import_module(name).Sub

    assert prompt_of(AgentPlan.from_agent(kind())).fields == {"name"}


def test_the_plan_names_no_file(module):
    assert "ask.md" not in AgentPlan.from_agent(module.Base()).model_dump_json()


def test_the_file_is_needed_no_more_when_the_plan_is_there(module, tmp_path):
    plan = AgentPlan.from_agent(module.Base())
    (tmp_path / "project" / "ask.md").unlink()

    assert prompt_of(AgentPlan.model_validate_json(plan.model_dump_json())).fields == {"name"}
    assert module.Base()  # nothing is read where the class is imported or made


def test_a_file_that_is_not_there_is_a_fault_that_says_where_it_was_looked_for(module, tmp_path):
    (tmp_path / "project" / "ask.md").unlink()

    with pytest.raises(PlanError) as failure:
        AgentPlan.from_agent(module.Base())
    [fault] = failure.value.faults
    assert fault.where == "Base.ask"
    assert f"{tmp_path / 'project' / 'ask.md'} cannot be read: No such file" in fault.message


@pytest.mark.parametrize(
    "declared",
    [
        "prompts: {ask: {file: texts/ask.md, role: system}}",
        "resources: {ask: {kind: prompts, use: file, with: {path: texts/ask.md, role: system}}}",
    ],
)
def test_in_yaml_it_is_beside_the_yaml_file(tmp_path, module, declared):
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "ask.md").write_text("You know {name}.", encoding="utf-8")
    agent = f"class: {module.__name__}:Base\nname: filed\n{declared}\n"
    (tmp_path / "agent.yaml").write_text(agent, encoding="utf-8")
    plan = AgentPlan.from_agent(load_agent(tmp_path / "agent.yaml"))

    assert prompt_of(plan) == Prompt(messages=[Message(role="system", content="You know {name}.")])


@pytest.fixture
def read(tmp_path):
    def read(name, content, **more):
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(data)
        return read_prompt({"path": str(tmp_path / name), **more})

    return read


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", "Hello {name}"),
        ("a.md", "\ufeffHello {name}\r\n"),
        ("a.yaml", "Hello {name}"),
        ("a.yml", "text: Hello {name}"),
        ("a.yaml", "messages:\n- {role: user, content: 'Hello {name}'}"),
        ("a.yaml", "- {role: user, content: 'Hello {name}'}"),
    ],
)
def test_a_file_holds_a_text_or_messages(read, name, content):
    assert read(name, content) == Prompt("Hello {name}")


def test_messages_keep_roles_and_images(read):
    made = read(
        "a.yaml",
        "- {role: system, content: a}\n"
        "- {role: user, content: b, images: [{url: 'https://example.org/{id}.png'}]}\n",
    )

    assert [message.role for message in made.messages] == ["system", "user"]
    assert made.fields == {"id"}


@pytest.mark.parametrize(
    ("name", "content", "more", "said"),
    [
        ("a.md", " \n", {}, "is empty"),
        ("a.md", b"\xff\xfe", {}, "is no text in UTF-8"),
        ("a.md", b"a" * (MAX_BYTES + 1), {}, f"is larger than {MAX_BYTES} bytes"),
        ("a.md", "a", {"role": "boss"}, "role: 'boss' is none of system, user, assistant"),
        ("a.md", "a", {"rule": "user"}, "perhaps with a role"),
        ("a.yaml", "- {role: boss}", {}, "holds neither a text nor messages: messages.0.role"),
        ("a.yaml", "- {role: user}", {"role": "user"}, "have roles of their own"),
        ("a.yaml", "{}", {}, "holds neither a text nor messages"),
        ("a.yaml", "a: &b [1]\nc: *b", {}, "a.yaml:1:4: uses an anchor or alias"),
        ("a.yaml", "{", {}, "is no YAML"),
    ],
)
def test_what_holds_none_is_refused(read, name, content, more, said):
    with pytest.raises(ResourceError) as failure:
        read(name, content, **more)

    assert said in str(failure.value)


def test_a_file_wants_a_path():
    with pytest.raises(PlanError, match=r'use\("prompts", "file", path="ask.md"\)'):
        AgentPlan.from_agent(AgentBuilder("a").resource("ask", use("prompts", "file")))
