"""Jobs' zips for tests: built by the command from real wheels of this checkout and a real lock."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from filelock import FileLock
from uv import find_uv_bin

from headrace.flink.releases import release_of

from .shop import Shop

ROOT = Path(__file__).resolve().parents[1]
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
_AGENTS = "from headrace_cli.main import main; main()"
_OWN = (
    *("core", "skills", "plugins/scripted", "plugins/openai"),
    *("plugins/actions-postgres", "plugins/actions-redis", "plugins/otel"),
)
FLINK = metadata.version("apache-flink")
_RELEASE = release_of(FLINK)
assert _RELEASE is not None
_BUILD = f"build = {json.dumps(_RELEASE.sources)}\n"
_PYPROJECT = """\
[project]
name = "demo"
version = "1.0"
requires-python = ">=3.10,<3.13"
dependencies = {dependencies}

[tool.agents]
{agent}targets = [{targets}]
{build}
[tool.agents.registries.house]
url = "{url}"
key = "{key}"
{more}"""
ENGINE = (
    "headrace-core[flink]",
    "headrace-skills",
    "headrace-scripted",
    f"apache-flink=={FLINK}",
)
"""What the projects of these tests require, unless they say so: one lock serves them all."""


TARGETS = ((PYTHON, "linux/amd64"),)
"""What their locks are for, unless they say so."""


class Kit:
    """A registry that has this checkout's packages, and a cache that all tests share.

    Args:
        folder: Where both are; whoever comes first makes them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = folder / "cache"
        self.shop = folder / "shop"

    def make(self) -> Kit:
        """Makes the registry, unless it is there."""
        with FileLock(f"{self.folder}.lock"):
            if not (self.folder / "made").exists():
                self.cache.mkdir(parents=True, exist_ok=True)  # a cluster may have come first
                shop = Shop(self.shop, "house")
                for one in _OWN:
                    subprocess.run(
                        [
                            *(find_uv_bin(), "build", "-q", "--wheel", "--no-build-isolation"),
                            *("--python", sys.executable, ROOT / one, "-o", shop.wheels),
                        ],
                        check=True,
                    )
                shop.build()
                (self.folder / "key").write_text(shop.key)
                (self.folder / "made").touch()
        return self

    @property
    def environment(self) -> dict[str, str]:
        """The variables of commands."""
        hidden = ("VIRTUAL_ENV", "PYTHONPATH")
        found = {name: value for name, value in os.environ.items() if name not in hidden}
        return {**found, "HEADRACE_CACHE_DIR": str(self.cache), "COLUMNS": "200"}

    def agents(
        self, *arguments: object, cwd: Path, check: bool = True, **more: object
    ) -> subprocess.CompletedProcess[str]:
        """Runs ``agents`` in a process of its own."""
        done = subprocess.run(
            [sys.executable, "-c", _AGENTS, *map(str, arguments)],
            cwd=cwd,
            env={**self.environment, **more},
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def project(
        self,
        folder: Path,
        *,
        agent: str | None = None,
        dependencies: tuple[str, ...] = ENGINE,
        more: str = "",
        files: dict[str, str] | None = None,
        lock: bool = True,
        targets: tuple[tuple[str, ...], ...] = TARGETS,
        beside: Shop | None = None,
    ) -> Path:
        """Makes a locked project; those of one set of dependencies share one lock.

        Args:
            folder: Its folder, which is made.
            agent: What it runs.
            dependencies: What it requires.
            more: More of its ``pyproject.toml``.
            files: Its other files, by path.
            lock: Whether it gets a lock.
            targets: The Pythons and platforms that the lock is for, perhaps with lines of Flink.
            beside: A registry that it knows beside the kit's own, by its title.
        """
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "pyproject.toml").write_text(
            _PYPROJECT.format(
                dependencies=json.dumps(list(dependencies)),
                agent=f'agent = "{agent}"\n' if agent else "",
                build=_BUILD if any("[flink]" in one for one in dependencies) else "",
                targets=", ".join(map(_target, targets)),
                url=(self.shop / "site").as_uri(),
                key=(self.folder / "key").read_text(),
                more=("" if beside is None else _known(beside)) + more,
            )
        )
        for name, text in (files or {}).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        if lock:
            self._lock(folder, dependencies, targets, beside)
        return folder

    def _lock(
        self,
        folder: Path,
        dependencies: tuple[str, ...],
        targets: tuple[tuple[str, ...], ...],
        beside: Shop | None,
    ) -> None:
        wanted = repr((sorted(dependencies), targets, None if beside is None else beside.url))
        known = self.folder / "locks" / hashlib.sha256(wanted.encode()).hexdigest()[:16]
        with FileLock(f"{self.folder}.lock"):
            if not known.exists():
                fresh = known.with_name(known.name + ".new")
                self.project(
                    fresh, dependencies=dependencies, lock=False, targets=targets, beside=beside
                )
                self.agents("lock", cwd=fresh)
                fresh.rename(known)
        shutil.copy(known / "pylock.toml", folder)
        if (known / "vendor").is_dir():
            shutil.copytree(known / "vendor", folder / "vendor", dirs_exist_ok=True)

    def triage(self, folder: Path, more: str = "") -> Path:
        """The main job: incident triage, as a project of its own, for the Flink of its target."""
        shutil.copytree(
            ROOT / "examples/incident_triage",
            folder,
            ignore=shutil.ignore_patterns("__pycache__", "out", "provoke"),
        )
        run = '\n[tool.agents.run]\nkey = "cluster"\n'
        return self.project(
            folder,
            agent="triage_agent:IncidentTriage",
            dependencies=ENGINE[:-1],  # which Flink is the target's to say
            more=run + more,
            targets=((PYTHON, "linux/amd64", _RELEASE.line),),
        )

    def build(self, project: Path, *arguments: object, output: Path | None = None) -> Path:
        """Builds a project's zip."""
        path = output or project.parent / f"{project.name}.zip"
        targets = [] if any(":" in str(one) for one in arguments) else ["."]
        self.agents("build", *targets, *arguments, "-o", path, cwd=project)
        return path


def _target(said: tuple[str, ...]) -> str:
    """What a project says of a target."""
    fields = zip(("python", "platform", "flink"), said, strict=False)
    return "{ " + ", ".join(f'{name} = "{one}"' for name, one in fields) + " }"


def _known(shop: Shop) -> str:
    """What a project says of a registry."""
    return f'\n[tool.agents.registries.{shop.title}]\nurl = "{shop.url}"\nkey = "{shop.key}"\n'


def shared_folder(factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this test run share."""
    base = factory.getbasetemp()
    return (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "kit"


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """A registry with this checkout's packages."""
    return Kit(shared_folder(tmp_path_factory)).make()


@pytest.fixture(scope="session")
def triage_zip(kit: Kit) -> Path:
    """The main job's zip, with the engine in it."""
    path = kit.folder / "triage.zip"
    with FileLock(f"{kit.folder}.triage.lock"):
        if not path.exists():
            project = kit.triage(kit.folder / "triage")
            kit.build(project, output=path)
    return path
