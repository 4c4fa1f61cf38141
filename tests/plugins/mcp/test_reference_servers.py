"""The protocol's reference servers, as their own registries give them.

They are installed once a session. Where their registry cannot be reached they are taken from the
installers' caches, and where those are empty the tests are skipped, unless the environment variable
HEADRACE_REQUIRE_NODE (for those on Node.js) or HEADRACE_REQUIRE_NETWORK is 1.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from headrace.chat import ToolResult
from headrace.errors import ToolError
from headrace.records import TELLER
from headrace_mcp import McpTools

pytestmark = pytest.mark.slow

NODE = 18
PACKAGES = {
    "filesystem": "@modelcontextprotocol/server-filesystem@2026.8.31",
    "everything": "@modelcontextprotocol/server-everything@2026.8.31",
}
TIME = "mcp-server-time==2026.10.19"


def missing(variable, why):
    """Skips, or fails where the variable says that nothing may be missing."""
    if os.environ.get(variable) == "1":
        pytest.fail(f"{why} ({variable}=1)")
    pytest.skip(why)


def installed(*commands):
    """Runs the first of the commands that works; tells how the last one failed."""
    for command in commands:
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
        if ran.returncode == 0:
            return ""
    return (ran.stderr or ran.stdout)[-500:]


@pytest.fixture(scope="session")
def node_servers(tmp_path_factory):
    """The folder of the servers on Node.js."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        missing("HEADRACE_REQUIRE_NODE", "node and npm are not on this machine")
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(said.strip().lstrip("v").split(".")[0]) < NODE:
        missing("HEADRACE_REQUIRE_NODE", f"node is {said.strip()}, and has to be {NODE} or newer")
    folder = tmp_path_factory.mktemp("node")
    install = [
        npm,
        "install",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--prefix",
        str(folder),
    ]
    wanted = list(PACKAGES.values())
    failure = installed([*install, "--prefer-offline", *wanted], [*install, "--offline", *wanted])
    if failure:
        missing("HEADRACE_REQUIRE_NODE", f"npm cannot install the servers: {failure}")
    return folder / "node_modules" / "@modelcontextprotocol"


@pytest.fixture
def everything(node_servers):
    return ["node", str(node_servers / "server-everything" / "dist" / "index.js")]


@pytest.fixture
def filesystem(node_servers, tmp_path):
    """The command of the server of files, and the folder that it may read and write."""
    folder = tmp_path / "files"
    folder.mkdir()
    script = node_servers / "server-filesystem" / "dist" / "index.js"
    return ["node", str(script), str(folder)], folder


@pytest.fixture(scope="session")
def time_server(tmp_path_factory):
    """The command of the server of time, in an environment of its own."""
    from uv import find_uv_bin

    uv, folder = find_uv_bin(), tmp_path_factory.mktemp("time") / "venv"
    subprocess.run([uv, "venv", "--quiet", str(folder)], check=True)
    install = [uv, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), TIME]
    failure = installed(install, [*install, "--offline"])
    if failure:
        missing("HEADRACE_REQUIRE_NETWORK", f"uv cannot install the server: {failure}")
    return [str(folder / "bin" / "mcp-server-time"), "--local-timezone", "UTC"]


# ---------------------------------------------------------------- time
def test_time_is_converted(time_server, calling):
    arguments = {
        "source_timezone": "Europe/Zurich",
        "time": "12:00",
        "target_timezone": "Asia/Kolkata",
    }

    told = calling(McpTools(command=time_server), "convert_time", arguments)

    assert told["target"]["datetime"].endswith("+05:30")


def test_a_time_that_is_none_is_a_tool_error(time_server, calling):
    with pytest.raises(ToolError, match=r"(?i)timezone"):
        calling(McpTools(command=time_server), "get_current_time", {"timezone": "Mars/Base"})


def test_the_pin_of_a_server_is_the_same_each_time(time_server, run):
    pins = [run(McpTools(command=time_server).pin()) for _ in range(2)]

    assert pins[0] == pins[1]


# ---------------------------------------------------------------- files
def test_a_file_is_written_and_read(filesystem, using):
    command, folder = filesystem
    path = str(folder / "plan.txt")

    async def use(tools):
        await tools.call("write_file", {"path": path, "content": "saw, plane"})
        return await tools.call("read_text_file", {"path": path})

    assert using(McpTools(command=command), use) == {"content": "saw, plane"}
    assert Path(path).read_text() == "saw, plane"


def test_a_file_outside_is_a_tool_error(filesystem, calling):
    command, _ = filesystem

    with pytest.raises(ToolError, match="Access denied"):
        calling(McpTools(command=command), "read_text_file", {"path": "/etc/hostname"})


def test_only_reading_can_be_offered(filesystem, using):
    command, _ = filesystem
    tools = McpTools(command=command, include=["read_*", "list_*"], exclude=["*_media_*"])

    names = using(tools, lambda tools: asyncio.sleep(0, [one.name for one in tools.specs()]))

    assert "read_text_file" in names
    assert "write_file" not in names
    assert "read_media_file" not in names


def test_a_picture_in_a_file_is_given(filesystem, calling):
    command, folder = filesystem
    (folder / "dot.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(24))
    tools = McpTools(command=command, images=True)

    given = calling(tools, "read_media_file", {"path": str(folder / "dot.png")})

    assert isinstance(given, ToolResult)
    assert [image.media_type for image in given.images] == ["image/png"]


def test_many_files_are_read_at_once(filesystem, using):
    command, folder = filesystem
    for number in range(50):
        (folder / f"{number}.txt").write_text(str(number))

    async def use(tools):
        paths = [{"path": str(folder / f"{number}.txt")} for number in range(50)]
        return await asyncio.gather(*(tools.call("read_text_file", path) for path in paths))

    told = using(McpTools(command=command), use)

    assert told == [{"content": str(number)} for number in range(50)]


# ---------------------------------------------------------------- everything
def test_all_tools_of_everything_are_offered(everything, run):
    pin = run(McpTools(command=everything).pin())

    assert {"echo", "get-sum", "get-structured-content"} <= {one["name"] for one in pin["tools"]}
    assert pin["left_out"] == []


def test_a_sum_is_told(everything, calling):
    told = calling(McpTools(command=everything), "get-sum", {"a": 2, "b": 3})

    assert "5" in told


def test_data_come_as_data(everything, calling):
    told = calling(McpTools(command=everything), "get-structured-content", {"location": "New York"})

    assert isinstance(told["temperature"], (int, float))


def test_a_picture_is_described(everything, calling):
    told = calling(McpTools(command=everything), "get-tiny-image")

    assert "[image, image/png, " in told


def test_the_servers_environment_is_not_the_workers(everything, calling, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-worker")

    told = calling(McpTools(command=everything), "get-env")

    assert "PATH" in told
    assert "sk-worker" not in told


def test_progress_is_told(everything, calling, told):
    arguments = {"duration": 0.2, "steps": 2}

    calling(McpTools(command=everything), "trigger-long-running-operation", arguments)

    steps = [data for what, _, data in told if what == "progress"]
    assert [(one["progress"], one["total"]) for one in steps] == [(1, 2), (2, 2)]


def test_a_long_operation_is_given_up_and_the_session_goes_on(everything, using):
    async def use(tools):
        begun = asyncio.Event()
        token = TELLER.set(lambda *_: begun.set())
        arguments = {"duration": 600, "steps": 6000}
        task = asyncio.ensure_future(tools.call("trigger-long-running-operation", arguments))
        TELLER.reset(token)
        await begun.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return await tools.call("echo", {"message": "hello"})

    assert using(McpTools(command=everything), use) == "Echo: hello"


def test_resources_are_listed_and_read(everything, using):
    async def use(tools):
        listed = await tools.call("list_resources", {})
        first = next(
            one["name"] for one in listed["resources"] if one["mimeType"] == "text/markdown"
        )
        return await tools.call("read_resource", {"uri": first})

    assert len(using(McpTools(command=everything, resources=True), use)) > 100


def test_prompts_are_listed_and_filled(everything, using):
    async def use(tools):
        names = [one["name"] for one in await tools.call("list_prompts", {})]
        text = await tools.call(
            "get_prompt", {"name": "args-prompt", "arguments": {"city": "Bern"}}
        )
        return names, text

    names, text = using(McpTools(command=everything, prompts=True), use)

    assert "simple-prompt" in names
    assert "Bern" in text
