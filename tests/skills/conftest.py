"""Skills written by hand, and a folder as installers leave it."""

from __future__ import annotations

import asyncio
import csv
import json
import stat
from pathlib import Path

import pytest

from headrace_skills.toolset import SkillTools

PROBE = """\
import json, os, resource, sys
print(json.dumps({
    "argv": sys.argv[1:], "stdin": sys.stdin.read(), "cwd": os.getcwd(), "env": dict(os.environ),
    "executable": sys.executable, "listed": os.listdir("."), "pid": os.getpid(),
    "sid": os.getsid(0), "memory": resource.getrlimit(resource.RLIMIT_AS)[0],
    "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
    "fds": sorted(os.listdir("/proc/self/fd")),
}))
"""


def write_skill(folder: Path, front: str | None = None, body: str = "Do it.") -> Path:
    """Write a skill."""
    folder.mkdir(parents=True, exist_ok=True)
    if front is None:
        front = f"name: {folder.name}\ndescription: Does {folder.name}."
    (folder / "SKILL.md").write_text(f"---\n{front}\n---\n\n{body}\n", encoding="utf-8")
    return folder


def add_file(folder: Path, path: str, text: str, *, executable: bool = False) -> Path:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    if executable:
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


class Site:
    """A folder of installed distributions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)

    @property
    def path(self) -> list[str]:
        return [str(self.folder)]

    def install(
        self,
        name: str,
        version: str = "1.0",
        *,
        points: dict[str, str] | None = None,
        recorded: tuple[str, ...] = (),
        requires: str = "",
        project: Path | None = None,
    ) -> Path:
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        if requires:
            metadata += f"Requires-Dist: {requires}\n"
        (info / "METADATA").write_text(metadata)
        if points:
            lines = [f"{point} = {value}" for point, value in points.items()]
            (info / "entry_points.txt").write_text("\n".join(["[headrace.skills]", *lines, ""]))
        with (info / "RECORD").open("w", newline="") as file:
            csv.writer(file).writerows([one, "sha256=x", "1"] for one in recorded)
        if project is not None:
            url = {"url": project.as_uri(), "dir_info": {"editable": True}}
            (info / "direct_url.json").write_text(json.dumps(url))
        return info

    def convention(self, distribution: str, skill: str, version: str = "1.0", **more) -> Path:
        """Install a distribution that has a skill where the convention says."""
        package = distribution.replace("-", "_")
        folder = write_skill(self.folder / package / ".agents" / "skills" / skill)
        record = f"{package}/.agents/skills/{skill}/SKILL.md"
        self.install(distribution, version, recorded=(record,), **more)
        return folder


@pytest.fixture(autouse=True)
def settings(tmp_path, monkeypatch):
    """Keep the plugin cache in the test's folder, and the user's lists out of the test."""
    monkeypatch.setenv("HEADRACE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("HEADRACE_PLUGINS_ALLOW", raising=False)
    monkeypatch.delenv("HEADRACE_PLUGINS_BLOCK", raising=False)


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path / "site")


@pytest.fixture
def skill(tmp_path):
    """A skill with files and scripts, in a folder of skills."""
    folder = write_skill(tmp_path / "skills" / "triage", body="# Triage\n\nRun probe.py.")
    add_file(folder, "references/codes.md", "E1 is bad.\n")
    add_file(folder, "scripts/probe.py", PROBE)
    (tmp_path / "secret.txt").write_text("secret")
    return folder


@pytest.fixture
def using(skill):
    """Run an async function with the skill's tools, opened and then closed."""

    def use(function, **more):
        async def main():
            tools = SkillTools(folders=[str(skill.parent)], **{"sandbox": "none", **more})
            await tools.open()
            try:
                return await function(tools)
            finally:
                await tools.close()

        return asyncio.run(main())

    return use


@pytest.fixture
def run(skill, using):
    """Write a script, run it, and give what the model is told."""

    def run_script(source, name="script.py", args=(), stdin="", **more):
        add_file(skill, f"scripts/{name}", source)
        arguments = {"skill": "triage", "script": name, "args": list(args), "stdin": stdin}
        return using(lambda tools: tools.call("run_skill_script", arguments), **more)

    return run_script


def running(marker: str) -> list[int]:
    """List the processes whose command line holds a text."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if marker in (folder / "cmdline").read_bytes().decode():
                found.append(int(folder.name))
        except (OSError, ValueError):
            continue
    return found


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that has ended, whether or not it is reaped, does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


@pytest.fixture
def scratches(tmp_path, monkeypatch):
    """The scratch folders that are there."""
    import tempfile

    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return lambda: list(folder.iterdir())
