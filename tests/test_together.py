"""All distributions side by side: in one environment with Flink, and in the lock of one project."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from filelock import FileLock
from packaging.utils import canonicalize_name, parse_wheel_filename
from uv import find_uv_bin

from . import test_wheels
from .jobs import Kit, shared_folder
from .shop import Shop

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # the first install downloads Flink

wheels = test_wheels.wheels  # built once for both
NAMES = tuple(test_wheels.FOLDERS)
FLINK = f"apache-flink=={metadata.version('apache-flink')}"
WANTED = (*NAMES, "headrace[all]", FLINK)
POLICY = {"rules": [{"name": "echo", "say": "{user}!"}]}
AGENT = f"""
from headrace import Agent, Context, InputEvent, OutputEvent, action, use


class Echo(Agent):
    model = use("chat_models", "scripted", policy={POLICY})

    @action(InputEvent)
    async def echo(self, event: InputEvent, ctx: Context) -> None:
        response = await ctx.chat("model", event.input)
        ctx.send(OutputEvent(output=response.text))
"""
LOAD_ALL = """
import importlib.metadata, json
from headrace.plugins import Kind, discover, load
points = [
    (one.group.removeprefix("headrace."), one.name, distribution.name)
    for distribution in importlib.metadata.distributions()
    for one in distribution.entry_points
    if one.group.startswith("headrace.")
]
plugins = discover(cache=False)
for kind, name, distribution in points:
    found = plugins.get(kind, name)
    assert found.distribution == distribution, (kind, name)
    load(found)
print(json.dumps(sorted({distribution for _, _, distribution in points})))
"""


def uv(*arguments: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [find_uv_bin(), *map(str, arguments), "--no-config"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert not check or done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="session")
def environment(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with all of them and Flink; its ``bin``."""
    folder = shared_folder(tmp_path_factory).with_name("together")
    with FileLock(f"{folder}.lock"):
        if not (folder / "made").exists():
            uv("venv", "--quiet", "--clear", "--python", sys.executable, folder)
            into = ("--python", folder / "bin/python", "--find-links", wheels)
            uv("pip", "install", "--quiet", *into, *WANTED)
            (folder / "made").touch()
    return folder / "bin"


def run(*command: object, cwd: Path) -> str:
    done = subprocess.run(
        [str(one) for one in command], cwd=cwd, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# ---------------------------------------------------------------- one environment
def test_what_is_installed_fits_together(environment):
    uv("pip", "check", "--python", environment / "python")


def test_every_plugin_of_every_distribution_is_found_and_loaded_in_one_process(
    environment, wheels, tmp_path
):
    with_plugins = sorted(
        str(parse_wheel_filename(path.name)[0])
        for path in wheels.glob("*.whl")
        if b"[headrace." in entry_points(path)
    )
    assert json.loads(run(environment / "python", "-I", "-c", LOAD_ALL, cwd=tmp_path)) == (
        with_plugins
    )


def entry_points(wheel: Path) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        files = [name for name in archive.namelist() if name.endswith("/entry_points.txt")]
        return archive.read(files[0]) if files else b""


@pytest.mark.parametrize("engine", ["local", pytest.param("flink", marks=pytest.mark.flink)])
def test_an_agent_with_a_scripted_model_runs(environment, tmp_path, engine):
    (tmp_path / "echo.py").write_text(AGENT)
    (tmp_path / "in.jsonl").write_text('"hello"\n"bye"\n')
    options = ("--engine", engine, "--input", "in.jsonl", "--output", "out.jsonl")

    run(environment / "agents", "run", "echo.py:Echo", *options, cwd=tmp_path)

    said = (tmp_path / "out.jsonl").read_text().splitlines()
    assert sorted(map(json.loads, said)) == ["bye!", "hello!"]


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12"])
def test_all_of_them_resolve_with_flink_on_linux_for_python(wheels, tmp_path, python):
    wanted, resolved = tmp_path / "wanted.in", tmp_path / "resolved.txt"
    wanted.write_text("\n".join(WANTED))
    target = ("--python-version", python, "--python-platform", "x86_64-manylinux_2_28")
    known = ("--python", sys.executable, "--find-links", wheels)

    uv("pip", "compile", "--quiet", *known, *target, wanted, "--output-file", resolved)

    names = {line.partition("==")[0] for line in resolved.read_text().splitlines() if "==" in line}
    assert {*NAMES, "apache-flink"} <= names


# ---------------------------------------------------------------- one lock
WORKSHOP = Path(__file__).parent / "plugins/mcp/servers/workshop.py"
AGENTS = f"""
from headrace import Agent, InputEvent, action, use


class Base(Agent):
    @action(InputEvent)
    def nothing(self, event, ctx): ...


class Follows(Base):
    model = use("chat_models", "scripted", policy={POLICY})


class Asks(Base):
    large = use("chat_models", "openai", model="m").with_policy(fallback="small")
    small = use("chat_models", "ollama", model="m")


class Searches(Base):
    words = use("embedding_models", "lexical")
    texts = use("vector_stores", "sqlite-vec", path="texts.db")
    search = use(
        "tools", "headrace.retrieval:RetrievalTools", store="texts", embedder="words"
    )


class Remembers(Base):
    words = use("embedding_models", "lexical")
    memories = use("memory", "mem0", path="memories", embedder="words")


class Keeps(Base):
    model = use("chat_models", "anthropic", model="m")
    texts = use("vector_stores", "pgvector", dsn_env="DSN")
    memories = use("memory", "sqlite", path="memories.db")
    calls = use("action_stores", "postgres", dsn_env="DSN")


class Finds(Base):
    texts = use("vector_stores", "chroma", path="texts")


class Settles(Base):
    calls = use("action_stores", "redis", url_env="ADDRESS")


class Calls(Base):
    workshop = use("tools", "mcp", command=["python", "workshop.py"])
"""
SHIPPED = {
    "Follows": {"headrace-scripted"},
    "Asks": {"headrace-openai", "openai", "headrace-ollama", "ollama"},
    "Searches": {"headrace-lexical", "headrace-sqlite-vec", "sqlite-vec"},
    # mem0 itself requires openai.
    "Remembers": {"headrace-lexical", "headrace-mem0", "mem0ai", "qdrant-client", "openai"},
    "Keeps": {
        *("headrace-anthropic", "anthropic"),
        *("headrace-pgvector", "psycopg", "psycopg-pool", "headrace-memory-sqlite"),
        "headrace-actions-postgres",
    },
    "Finds": {"headrace-chroma", "chromadb"},
    "Settles": {"headrace-actions-redis"},  # Beam has the client in every zip for Flink
    "Calls": {"headrace-mcp", "mcp", "mcp-types"},
}
"""For each agent, the plugins that its zip has and the libraries that plugins are about."""
ABOUT = {name for names in SHIPPED.values() for name in names if not name.startswith("headrace-")}


@pytest.fixture(scope="session")
def project(kit: Kit, wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with every plugin in its lock."""
    folder = kit.folder / "every-plugin"
    plugins = tuple(f"headrace-{one.name}" for one in (test_wheels.ROOT / "plugins").iterdir())
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            shop = Shop(folder.with_name("plugins"), "plugins")
            for wheel in wheels.glob("*.whl"):
                name = str(parse_wheel_filename(wheel.name)[0])
                if name in plugins and not list((kit.shop / "wheels").glob(wheel.name)):
                    shutil.copy(wheel, shop.wheels)
            shop.build()
            fresh = folder.with_suffix(".new")
            kit.project(
                fresh,
                dependencies=("headrace-core", *sorted(plugins)),
                files={"agents_here.py": AGENTS, "workshop.py": WORKSHOP.read_text()},
                beside=shop,
            )
            fresh.rename(folder)
    return folder


@pytest.mark.parametrize("agent", SHIPPED)
def test_a_zip_has_the_plugins_of_its_plan_and_nothing_of_the_others(kit, project, tmp_path, agent):
    path = tmp_path / "job.zip"

    build = ("build", f"agents_here.py:{agent}", "--engine", "provided", "-o", path)
    # Tools of a server are asked for what they are: by this Python, which has MCP.
    searched = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    kit.agents(*build, cwd=project, PATH=searched)

    with zipfile.ZipFile(path) as archive:
        infos = {name.split("/")[1] for name in archive.namelist() if ".dist-info/" in name}
    shipped = {str(canonicalize_name(info.partition("-")[0])) for info in infos}
    of_interest = {one for one in shipped if one.startswith("headrace-") or one in ABOUT}
    # Hooks are named by settings, which may come on the cluster: what the project requires goes in.
    assert of_interest == SHIPPED[agent] | {"headrace-core", "headrace-otel"}
