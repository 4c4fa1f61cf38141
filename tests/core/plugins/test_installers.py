"""Real installers, in a real environment: a warm listing is never stale."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

import headrace.errors

pytestmark = pytest.mark.slow

CORE = str(Path(headrace.errors.__file__).parent.parent)

# The clock is ten seconds ahead, so that the cache is used for what was installed just now.
LISTING = """
import json, time
from headrace.plugins import _cache, _reading, discover
_cache._clock = lambda: time.time_ns() + 10_000_000_000
read, reads = _reading.read_plugins, []
_reading.read_plugins = lambda listing: reads.append(1) or read(listing)
found = [one.plugin for one in discover().list()]
print(json.dumps({
    "warm": not reads,
    "plugins": [[one.key, one.version, one.editable] for one in found],
}))
"""

BACKEND = """
import zipfile
from pathlib import Path

def build_editable(folder, config_settings=None, metadata_directory=None):
    name = "acme-1.0-py3-none-any.whl"
    with zipfile.ZipFile(Path(folder, name), "w") as wheel:
        for path, text in {
            "acme.pth": str(Path.cwd()) + "\\n",
            "acme-1.0.dist-info/METADATA": "Metadata-Version: 2.1\\nName: acme\\nVersion: 1.0\\n",
            "acme-1.0.dist-info/WHEEL":
                "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
            "acme-1.0.dist-info/entry_points.txt": "[headrace.tools]\\nhammer = acme:hammer\\n",
            "acme-1.0.dist-info/RECORD": "",
        }.items():
            wheel.writestr(path, text)
    return name

build_wheel = build_editable
"""


def write_wheel(folder, version="1.0", tool="hammer"):
    """Write a wheel by hand: it needs no build backend, and so no network."""
    wheel = folder / f"acme-{version}-py3-none-any.whl"
    info = f"acme-{version}.dist-info"
    files = {
        "acme.py": f"{tool} = 1\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: acme\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[headrace.tools]\n{tool} = acme:{tool}\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(wheel, "w") as written:
        for name, text in files.items():
            # One date for all: installers that keep it make stamps as alike as can be.
            written.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), text)
    return wheel


class Environment:
    """A virtual environment, and what an installer does to it."""

    def __init__(self, folder, installer):
        self.python = folder / "venv" / "bin" / "python"
        self.installer = installer
        self.variables = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            "HEADRACE_CACHE_DIR": str(folder / "cache"),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "UV_CACHE_DIR": str(folder / "uv"),
        }
        with_pip = [] if installer == "pip" else ["--without-pip"]
        self.run(sys.executable, "-m", "venv", *with_pip, str(folder / "venv"))

    def run(self, *command, **variables):
        done = subprocess.run(
            command, env=self.variables | variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def install(self, *what):
        if self.installer == "pip":
            command = [str(self.python), "-m", "pip", "install", "--no-index", "--no-deps"]
            command += ["--no-build-isolation"]
        else:
            command = [sys.executable, "-m", "uv", "pip", "install", "--python", str(self.python)]
            command += ["--offline", "--no-index", "--no-deps", "--no-build-isolation"]
        self.run(*command, *map(str, what))

    def uninstall(self):
        if self.installer == "pip":
            self.run(str(self.python), "-m", "pip", "uninstall", "--yes", "acme")
        else:
            uv = [sys.executable, "-m", "uv", "pip", "uninstall"]
            self.run(*uv, "--python", str(self.python), "acme")

    def list(self):
        told = json.loads(self.run(str(self.python), "-c", LISTING, PYTHONPATH=CORE))
        return told["plugins"], told["warm"]

    def warm(self):
        """Have the answer kept, and see that it is: otherwise nothing would be tested."""
        self.list()
        assert self.list()[1]


@pytest.fixture(params=["pip", "uv"])
def environment(request, tmp_path):
    return Environment(tmp_path, request.param)


def test_an_installation_is_seen(environment, tmp_path):
    environment.warm()
    environment.install(write_wheel(tmp_path))
    assert environment.list()[0] == [["tools.hammer", "1.0", False]]


def test_an_upgrade_is_seen(environment, tmp_path):
    environment.install(write_wheel(tmp_path))
    environment.warm()
    environment.install(write_wheel(tmp_path, "2.0"))
    assert environment.list()[0] == [["tools.hammer", "2.0", False]]


def test_a_downgrade_is_seen(environment, tmp_path):
    environment.install(write_wheel(tmp_path, "2.0"))
    environment.warm()
    environment.install(write_wheel(tmp_path, "1.0"))
    assert environment.list()[0] == [["tools.hammer", "1.0", False]]


def test_a_removal_is_seen(environment, tmp_path):
    environment.install(write_wheel(tmp_path))
    environment.warm()
    environment.uninstall()
    assert environment.list()[0] == []


def test_a_changed_wheel_of_the_same_version_is_seen(environment, tmp_path):
    environment.install(write_wheel(tmp_path))
    environment.warm()
    # A name as long as the first one: sizes and the wheel's dates are as they were.
    environment.install(
        "--reinstall" if environment.installer == "uv" else "--force-reinstall",
        write_wheel(tmp_path, tool="wrench"),
    )
    assert environment.list()[0] == [["tools.wrench", "1.0", False]]


def test_an_editable_installation_is_seen(environment, tmp_path):
    environment.install(write_wheel(tmp_path))
    environment.warm()
    source = tmp_path / "source"
    source.mkdir()
    (source / "backend.py").write_text(BACKEND)
    (source / "acme.py").write_text("hammer = 1\n")
    (source / "pyproject.toml").write_text(
        textwrap.dedent("""
            [build-system]
            requires = []
            build-backend = "backend"
            backend-path = ["."]
            [project]
            name = "acme"
            version = "1.0"
        """)
    )
    environment.install("--editable", source)
    assert environment.list()[0] == [["tools.hammer", "1.0", True]]
