"""What may be named as TARGET, and what is said of what may not."""

from __future__ import annotations

import json

import pytest


@pytest.mark.parametrize(("name", "text"), [("Echo", "x"), ("made", "made x"), ("built", None)])
def test_agents_of_every_make_run(place, name, text):
    result = place.run("run", place.agent(name), input='"x"\n')
    assert result.exit_code == 0, result.output
    assert (text or "built") in result.stdout


def test_a_file_and_a_module_are_one_agent(place):
    by_file = place.run("plan", f"{place.folder / place.module}.py:Echo", "--json")
    by_module = place.run("plan", place.agent("Echo"), "--json")
    assert by_file.exit_code == by_module.exit_code == 0
    assert by_file.stdout == by_module.stdout


def test_a_file_in_a_package_has_the_packages_name(place):
    place.write("cli_package/__init__.py", "")
    source = (place.folder / f"{place.module}.py").read_text()
    place.write("cli_package/inner.py", source)
    result = place.run("plan", "cli_package/inner.py:Echo")
    assert "class: cli_package.inner:Echo" in result.stdout


def test_a_folder_says_what_it_holds(place):
    project = place.folder / "project"
    project.mkdir()
    (place.folder / f"{place.module}.py").rename(project / f"{place.module}.py")
    place.lines("project/in.jsonl", [{"user": {"id": "u"}}])
    place.write(
        "project/pyproject.toml",
        f'[tool.agents]\nagent = "{place.module}:Echo"\n'
        '[tool.agents.run]\ninput = "in.jsonl"\noutput = "out.jsonl"\nkey = "user.id"\n',
    )
    result = place.run("run", "project", "--param", "prefix=007")
    assert result.exit_code == 0, result.output
    assert place.read("project/out.jsonl") == [
        {"key": "u", "n": 1, "text": "007{'user': {'id': 'u'}}"}
    ]


class TestIdentity:
    """What the project says of who a job is, which state and memory follow."""

    @pytest.fixture
    def identity(self, place):
        def identity(target, said):
            place.write("pyproject.toml", f'[tool.agents]\nagent = "{place.module}:Echo"\n{said}\n')
            result = place.run("plan", target, "--json")
            assert result.exit_code == 0, result.output
            return json.loads(result.output)["config"]["job"]

        return identity

    def test_it_is_the_agents_name_where_the_project_says_nothing(self, identity):
        assert identity(".", "") is None

    def test_a_text_is_that_of_the_projects_own_agent(self, place, identity):
        assert identity(".", 'job = "desk"') == "desk"
        assert identity(place.agent("Echo"), 'job = "desk"') == "desk"

    def test_its_file_is_the_projects_own_agent_too(self, place, identity):
        assert identity(f"{place.module}.py:Echo", 'job = "desk"') == "desk"

    def test_it_is_not_that_of_an_agent_of_the_same_name_in_another_module(self, place, identity):
        source = (place.folder / f"{place.module}.py").read_text()
        place.write("cli_other/__init__.py", "")
        place.write(f"cli_other/{place.module}.py", source)
        assert identity(f"cli_other.{place.module}:Echo", 'job = "desk"') is None
        assert identity(f"cli_other/{place.module}.py:Echo", 'job = "desk"') is None

    def test_it_is_not_that_of_another_agent_of_the_project(self, place, identity):
        assert identity(place.agent("Other"), 'job = "desk"') is None

    def test_a_table_names_them_by_agent(self, place, identity):
        said = 'job = {Echo = "desk", Other = "shop"}'

        assert identity(place.agent("Other"), said) == "shop"

    def test_the_plan_shows_it(self, place):
        place.write(
            "pyproject.toml", f'[tool.agents]\nagent = "{place.module}:Echo"\njob = "desk"\n'
        )

        assert 'job = "desk"' in place.run("plan", ".").output


def test_yaml_is_an_agent(place):
    place.write(
        "agent.yaml",
        f"name: from-yaml\nactions:\n  - function: {place.module}:start\n    on: [input]\n",
    )
    result = place.run("run", "agent.yaml", input='"x"\n')
    assert result.exit_code == 0, result.output
    assert result.stdout == '"built"\n'


@pytest.mark.parametrize(
    ("target", "code", "words"),
    [
        ("no_such_module:Agent", 2, ["there is no module 'no_such_module'", "looked in"]),
        ("no/such/file.py:Agent", 2, ["there is no file no/such/file.py"]),
        ("no_such.yaml", 2, ["there is no file no_such.yaml"]),
        ("no_such", 2, ["neither a folder nor an agent"]),
        (".", 2, ["does not say which agent", "[tool.agents]"]),
        ("json:loads", 2, ["json:loads is not an agent", "a function"]),
        ("{module}:Plain", 2, ["is not an agent", "Echo"]),
        ("{module}:Nope", 2, ["has no 'Nope'", "it has:", "Echo"]),
        ("{module}.py", 2, ["which agent is not said", "it has: Echo"]),
        ("json.py:Agent", 2, ["taken by another module"]),
        ("raising:Agent", 1, ["cannot be imported", "raising.py:2", "ZeroDivisionError"]),
        ("leaving:Agent", 1, ["cannot be imported", "SystemExit"]),
        ("wanting:Agent", 1, ["cannot be imported", "install what provides 'nothing_here'"]),
        ("wrong_syntax:Agent", 1, ["cannot be imported", "wrong_syntax.py:1", "SyntaxError"]),
    ],
)
def test_what_is_no_target(place, target, code, words):
    place.write("raising.py", "\n1 / 0\n")
    place.write("leaving.py", "raise SystemExit(0)\n")
    place.write("wanting.py", "import nothing_here\n")
    place.write("wrong_syntax.py", "def f(:\n")
    place.write("json.py", "Agent = None\n")
    result = place.run("run", target.format(module=place.module))
    assert result.exit_code == code, result.output
    assert result.stderr.startswith("error: ")
    for word in words:
        assert word in result.stderr
    assert "Traceback" not in result.stderr


def test_all_faults_of_a_plan_are_told(place):
    place.write(
        "faulty.py",
        "from headrace import Agent, action, use\n"
        "class Faulty(Agent):\n"
        "    llm = use('chat_models', 'nope')\n"
        "    @action('never.sent')\n"
        "    def go(self, event, ctx): ...\n",
    )
    result = place.run("plan", "faulty:Faulty")
    assert result.exit_code == 1
    assert "nope" in result.stderr
    assert "no action is triggered by the input" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--param", "tmes=1"], ["tmes", "there are: prefix, times"]),
        (["--param", "times=x"], ["times", "valid integer"]),
        (["--param", "times"], ["not NAME=VALUE"]),
        (["--param", "times=1", "--param", "times=2"], ["given twice"]),
        (["--model", "m"], ["model", "no such parameter"]),
    ],
)
def test_wrong_parameters(place, arguments, words):
    result = place.run("plan", place.agent("Echo"), *arguments)
    assert result.exit_code == 2
    for word in words:
        assert word in result.stderr


def test_a_made_agent_takes_no_parameters(place):
    result = place.run("plan", place.agent("made"), "--param", "prefix=x")
    assert result.exit_code == 2
    assert "made already" in result.stderr


def test_model_is_short_for_a_parameter(place):
    result = place.run(
        "run", place.agent("Model"), "--model", "mine", "--key", "k", input='{"k":2}'
    )
    assert result.stdout == '"mine"\n'
    both = place.run("run", place.agent("Model"), "--model", "a", "--param", "model=b")
    assert both.exit_code == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[tool.agents\n", ["not TOML"]),
        ("[tool.agents]\nagnet = 'x'\n", ["'agnet'", "did you mean 'agent'"]),
        ("[tool.agents.run]\ninptu = 'x'\n", ["'inptu'", "did you mean 'input'"]),
        ("[tool.agents.run]\nparallelism = 0\n", ["parallelism", "whole number"]),
        ("[tool.agents.run]\nengine = 'spark'\n", ["engine", "local or flink"]),
        ("[tool.agents.plugins]\nallow = 'x'\n", ["allow", "list of patterns"]),
        ("[tool.agents]\nagent = 'module'\n", ["module:Class"]),
    ],
)
def test_a_wrong_project_file_is_told_by_its_place(place, text, words):
    place.write("project/pyproject.toml", text)
    result = place.run("run", "project")
    assert result.exit_code == 1
    for word in [*words, "pyproject.toml"]:
        assert word in result.stderr
