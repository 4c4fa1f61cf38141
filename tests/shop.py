"""A registry on disk and a project that buys there: real wheels, a real site, real signatures."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from uv import find_uv_bin

PYPROJECT = """\
# the project's own file
[project]
name = "demo"
version = "0.1.0"
requires-python = ">=3.10,<3.13"
dependencies = []  # nothing yet
"""


class Shop:
    """A registry's folder, with the wheels that it is built from."""

    def __init__(self, folder: Path, title: str = "shop") -> None:
        self.folder = folder
        self.title = title
        self.wheels = folder / "wheels"
        self.keys = folder / "keys"
        self.site = folder / "site"
        self.wheels.mkdir(parents=True)

    @property
    def url(self) -> str:
        return self.site.as_uri()

    def skill(
        self, name: str, version: str = "1.0.0", *, body: str = "Do it.\n", **more: Any
    ) -> Path:
        """Packs a skill; ``metadata`` are lines of its frontmatter, ``files`` its other files."""
        folder = self.skill_folder(name, version, body=body, **more)
        from headrace_skills.packing import pack

        return pack([folder]).wheel.write(self.wheels)

    def skill_folder(
        self,
        name: str,
        version: str = "1.0.0",
        *,
        body: str = "Do it.\n",
        metadata: dict[str, str] | None = None,
        files: dict[str, str] | None = None,
    ) -> Path:
        folder = self.folder / "sources" / f"{name}-{version}" / name
        folder.mkdir(parents=True)
        lines = {"version": version, **(metadata or {})}
        said = "".join(f"  {key}: {json.dumps(value)}\n" for key, value in lines.items())
        (folder / "SKILL.md").write_text(
            f"---\nname: {name}\ndescription: Does {name} for the shop.\nlicense: MIT\n"
            f"metadata:\n{said}---\n{body}"
        )
        for path, text in (files or {}).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        return folder

    def package(
        self,
        name: str,
        version: str = "1.0",
        *requires: str,
        points: str = "",
        where: Path | None = None,
    ) -> Path:
        """Makes a wheel of a plain package."""
        return make_wheel(where or self.wheels, name, version, *requires, points=points)

    def build(self, *, signed: bool = True) -> Shop:
        """Builds the site of all wheels, as ``agents registry build`` does."""
        from headrace_registry.site import build_site
        from headrace_registry.trust import KeySigner, create_keys

        if signed and not self.keys.exists():
            create_keys(self.keys)
        signer = KeySigner.from_folder(self.keys) if signed else None
        wheels = sorted(self.wheels.glob("*.whl"))
        build_site(wheels, self.site, title=self.title, pages=False, signer=signer)
        return self

    @property
    def key(self) -> str:
        from headrace_registry.trust import fingerprint

        return fingerprint((self.site / "metadata/1.root.json").read_bytes())


def make_wheel(folder: Path, name: str, version: str, *requires: str, points: str = "") -> Path:
    """A wheel of one empty module."""
    folder.mkdir(parents=True, exist_ok=True)
    module = name.replace("-", "_")
    path = folder / f"{module}-{version}-py3-none-any.whl"
    info = f"{module}-{version}.dist-info"
    files = {
        f"{module}/__init__.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        f"Summary: {name} for tests\nLicense-Expression: MIT\n"
        + "".join(f"Requires-Dist: {one}\n" for one in requires),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
        **({f"{info}/entry_points.txt": points} if points else {}),
    }
    record = "".join(f"{one},,\n" for one in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(zipfile.ZipInfo(file), text)
    return path


class Customer:
    """A project with an environment of its own."""

    def __init__(self, folder: Path, environment: dict[str, str | None]) -> None:
        self.folder = folder
        self.environment = environment
        self.file = folder / "pyproject.toml"
        self.lock = folder / "pylock.toml"
        folder.mkdir()
        self.file.write_text(PYPROJECT)
        subprocess.run(
            [find_uv_bin(), "venv", "-q", "--no-config", "-p", sys.executable, folder / ".venv"],
            check=True,
        )

    def knows(self, **shops: Shop) -> Customer:
        """Writes down registries, with their keys, as ``agents registry add`` does."""
        lines = "".join(
            f'\n[tool.agents.registries.{name}]\nurl = "{shop.url}"\nkey = "{shop.key}"\n'
            for name, shop in shops.items()
        )
        self.file.write_text(self.file.read_text() + lines)
        return self

    def run(self, *arguments: object, input: str | None = None) -> Result:  # noqa: A002
        """Runs ``agents`` in this process, in the project's folder."""
        from headrace_cli._app import agents

        was = Path.cwd()
        os.chdir(self.folder)
        try:
            return CliRunner(env=self.environment).invoke(
                agents, [str(one) for one in arguments], input=input
            )
        finally:
            os.chdir(was)

    def done(self, *arguments: object, **more: Any) -> str:
        """Runs ``agents``, which has to work; what it printed."""
        result = self.run(*arguments, **more)
        assert result.exit_code == 0, result.output
        return result.stdout

    def answer(self, typed: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs ``agents`` in a process of its own, at a terminal at which this is typed."""
        ours, theirs = pty.openpty()
        environment = {**os.environ, **{k: v for k, v in self.environment.items() if v is not None}}
        environment.pop("VIRTUAL_ENV", None)
        os.write(ours, typed.encode())
        try:
            return subprocess.run(
                [sys.executable, "-c", "from headrace_cli.main import main; main()", *arguments],
                stdin=theirs,
                capture_output=True,
                cwd=self.folder,
                env=environment,
                text=True,
                check=False,
            )
        finally:
            os.close(theirs)
            os.close(ours)

    def installed(self) -> dict[str, str]:
        """What the environment has, by name."""
        (site,) = self.folder.glob(".venv/lib/python*/site-packages")
        found = (
            path.name[: -len(".dist-info")].rpartition("-") for path in site.glob("*.dist-info")
        )
        return {name.replace("_", "-"): version for name, _, version in found}

    def state(self) -> dict[str, bytes]:
        """All files of the project but its environment's and its private ones."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
            and path.relative_to(self.folder).parts[0] not in (".venv", ".headrace")
        }


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A registry without wheels; fill it, then ``build`` it."""
    return Shop(tmp_path / "shop")


@pytest.fixture
def customer(tmp_path: Path) -> Customer:
    """A project without requirements, and its environment; caches of its own but for uv's."""
    environment: dict[str, str | None] = {
        "HEADRACE_CACHE_DIR": str(tmp_path / "cache"),
        "VIRTUAL_ENV": None,
        "COLUMNS": "200",
    }
    made = Customer(tmp_path / "demo", environment)
    yield made
    shutil.rmtree(made.folder, ignore_errors=True)
