"""The packages that a script declares: had already, or prepared in a folder before it is run.

Nothing is ever installed on a worker. A folder is made where a job is built (``agents skills
prepare``), and found again by what it holds: the digest of the requirements and Python's version.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from headrace_skills._confined import read_beneath
from headrace_skills.errors import SkillError, SkillFormatError
from headrace_skills.needs import needs_of, read_script_metadata
from headrace_skills.sandboxes._places import package_folders

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from packaging.requirements import Requirement

    from headrace_skills._model import Skill

__all__ = ["RUNNING", "find_uv", "folder_name", "prepare", "requirements_of", "unmet"]

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
"""The version of this Python, as far as packages depend on it."""
MAX_SCRIPT = 1024 * 1024
_NOTE = "headrace-packages.json"


def requirements_of(skill: Skill, path: str) -> tuple[str, ...]:
    """What a Python script asks for: inline metadata (PEP 723), and what its skill declares.

    Args:
        skill: The skill.
        path: The script's path in the skill's folder.

    Raises:
        SkillFormatError: What is declared cannot be read, or asks for another Python.
        SkillPathError: There is no such file.
    """
    text = read_beneath(skill.root, path, MAX_SCRIPT).data.decode("utf-8", "replace")
    try:
        said = read_script_metadata(text.replace("\r\n", "\n"))
    except SkillFormatError as error:
        raise SkillFormatError(f"the script {path} of the skill {skill.name}: {error}") from None
    asked = list(needs_of(skill).dependencies)
    if said is not None:
        _check_python(skill, path, said.requires_python)
        asked += said.dependencies
    return _normalised(asked)


def folder_name(requirements: Sequence[str], python: str = RUNNING) -> str:
    """The name of the folder that holds what is required: the same for the same requirements."""
    said = json.dumps([python, *_normalised(requirements)])
    return hashlib.sha256(said.encode()).hexdigest()[:32]


def unmet(requirements: Sequence[str]) -> tuple[str, ...]:
    """What is required and not to be had from the packages of this environment."""
    return tuple(text for text in requirements if not _is_met(_parsed(text)))


def prepare(
    requirements: Sequence[str], into: Path, python: str = RUNNING, uv: str | None = None
) -> Path:
    """Makes the folder of packages that is required, unless it is there; whole, or not at all.

    Wheels alone are installed: building from source would run what nobody has looked at.

    Args:
        requirements: What is required.
        into: The folder of such folders.
        python: The version of Python that will run the script, such as ``3.11``.
        uv: The program that installs; the one beside this Python, or on PATH, if None.

    Raises:
        SkillError: There is no uv, or it cannot install what is required.
    """
    wanted = into / folder_name(requirements, python)
    if wanted.is_dir():
        return wanted
    program = uv or find_uv()
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=into) as temporary:
        made = Path(temporary, "packages")
        command = [program, "pip", "install", "--quiet", "--target", str(made)]
        command += ["--python", sys.executable, "--python-version", python]
        command += ["--only-binary", ":all:", "--", *_normalised(requirements)]
        done = subprocess.run(  # noqa: S603 - the requirements were parsed: none is an option
            command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        if done.returncode != 0 or not made.is_dir():
            raise SkillError(
                f"{', '.join(requirements)} cannot be installed for Python {python}:\n"
                f"{done.stderr.strip()[-2000:]}"
            )
        note = {"python": python, "requirements": list(_normalised(requirements))}
        (made / _NOTE).write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")
        made.chmod(0o755)
        try:
            made.rename(wanted)
        except OSError:
            if not wanted.is_dir():  # else another one was quicker
                raise
    return wanted


def find_uv() -> str:
    """The uv beside this Python, or on PATH.

    Raises:
        SkillError: There is none.
    """
    found = shutil.which("uv", path=sysconfig.get_path("scripts")) or shutil.which("uv")
    if found is None:
        raise SkillError("packages are installed by uv, and there is none: pip install uv")
    return found


def _check_python(skill: Skill, path: str, wanted: str | None) -> None:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    if wanted is None:
        return
    running = ".".join(map(str, sys.version_info[:3]))
    try:
        fits = SpecifierSet(wanted).contains(running, prereleases=True)
    except InvalidSpecifier:
        raise SkillFormatError(
            f"the script {path} of the skill {skill.name}: requires-python {wanted[:80]!r} is no "
            "range of versions"
        ) from None
    if not fits:
        raise SkillFormatError(
            f"the script {path} of the skill {skill.name} is for Python {wanted}; scripts run with "
            f"the agent's, {running}"
        )


def _parsed(text: str) -> Requirement:
    from packaging.requirements import Requirement

    return Requirement(text)


def _normalised(requirements: Iterable[str]) -> tuple[str, ...]:
    from packaging.utils import canonicalize_name

    found = set()
    for text in requirements:
        one = _parsed(text)
        extras = f"[{','.join(sorted(map(canonicalize_name, one.extras)))}]" if one.extras else ""
        versions = ",".join(sorted(map(str, one.specifier)))
        marker = f" ; {one.marker}" if one.marker else ""
        found.add(f"{canonicalize_name(one.name)}{extras}{versions}{marker}")
    return tuple(sorted(found))


def _is_met(requirement: Requirement, extra: str = "") -> bool:
    from importlib.metadata import Distribution

    if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
        return True
    places = [*package_folders(), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    for found in Distribution.discover(name=requirement.name, path=places):
        if requirement.specifier.contains(found.version, prereleases=True):
            return all(_extra_is_met(found.requires or [], one) for one in requirement.extras)
        return False  # the first on the path is the one that is imported
    return False


def _extra_is_met(requires: Sequence[str], extra: str) -> bool:
    for text in requires:
        with suppress(ValueError):
            one = _parsed(text)
            if one.marker is not None and "extra" in str(one.marker) and not _is_met(one, extra):
                return False
    return True
