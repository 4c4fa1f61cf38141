"""The files of a new agent project: one agent, its inputs, one test, a README."""

from __future__ import annotations

__all__ = ["starter_files", "yaml_files"]

_AGENT = '''"""The agent of this project: it greets, and counts the messages of each user."""

from headrace import Agent, Context, InputEvent, OutputEvent, action


class {agent}(Agent):
    """Answers each message of a user."""

    greeting: str = "Good day"
    """A parameter: typed, part of the plan, and set by --param greeting=..."""

    @action(InputEvent)
    async def answer(self, event: InputEvent, ctx: Context) -> None:
        """Counts a message, and answers it."""
        user = event.input["user"]
        # Memory of the key: kept by the engine, and committed together with the outputs.
        ctx.short_term["messages"] = number = ctx.short_term.get("messages", 0) + 1
        ctx.send(OutputEvent(output=f"{{self.greeting}}, {{user}}: message {{number}}."))
'''

_TEST = """from {module} import {agent}

from headrace import run_local


def test_messages_of_each_user_are_counted():
    inputs = [{{"user": "ada"}}, {{"user": "bob"}}, {{"user": "ada"}}]
    outputs = run_local({agent}(greeting="Hi"), inputs, key=lambda value: value["user"])
    assert outputs == ["Hi, ada: message 1.", "Hi, bob: message 1.", "Hi, ada: message 2."]
"""

_README = """# {name}

An agent for headrace, in `{module}.py`.

    agents run .                     # on this machine: inputs.jsonl to out/outputs.jsonl
    agents run . --engine flink      # on Flink: pip install 'headrace[flink]'
    agents plan .                    # what it is compiled to
    pytest                           # its test

`pyproject.toml` says which agent it is, and what `agents run` takes where you type nothing else.
"""

_INPUTS = """\
{"user": "ada", "text": "hello"}
{"user": "bob", "text": "is anybody there?"}
{"user": "ada", "text": "hello again"}
"""


_YAML = """\
# yaml-language-server: $schema=agents.schema.json
# What stands beside `agents:` (resources, connections, prompts, tools, actions) is there for all
# agents of the file, by name. A file of its own may hold the connections: agents run . -f FILE
agents:
  {agent}:
    description: Answers each message of a user.
    class: {module}:{agent}
    parameters: {{greeting: Good day}} # --param greeting=...
"""


def yaml_files(module: str, agent: str) -> dict[str, str]:
    """The files that a project has besides, whose agent is in YAML: its file, and the schema."""
    import json

    from headrace.agent_yaml import schema

    return {
        "agents.yaml": _YAML.format(module=module, agent=agent),
        "agents.schema.json": json.dumps(schema(), indent=2) + "\n",
    }


def starter_files(name: str, module: str, agent: str) -> dict[str, str]:
    """The files by their paths, without the ``pyproject.toml``.

    Args:
        name: The project's name.
        module: The name of the agent's module.
        agent: The name of its class.
    """
    return {
        f"{module}.py": _AGENT.format(agent=agent),
        "inputs.jsonl": _INPUTS,
        "out/.gitignore": "*\n!.gitignore\n",
        f"tests/test_{module}.py": _TEST.format(module=module, agent=agent),
        "README.md": _README.format(name=name, module=module),
    }
