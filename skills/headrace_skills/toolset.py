"""Skills as tools: what a model is told of them, and the three tools to use them by."""

from __future__ import annotations

import asyncio
import codecs
import logging
from typing import TYPE_CHECKING, Any

from headrace.errors import ToolError
from headrace.interfaces import Toolset
from headrace.tools import arguments_model, check_arguments, tool_spec
from headrace_skills._confined import read_beneath
from headrace_skills._finding import find_skills
from headrace_skills._none import NoSandbox
from headrace_skills._prompt import describe_skills, told_of_outcome
from headrace_skills._reading import load_body
from headrace_skills._scripts import ScriptRunner
from headrace_skills.errors import SandboxError, SkillBrokenError, SkillError
from headrace_skills.sandbox import Limits

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from headrace.chat import ToolSpec
    from headrace_skills._model import Skill
    from headrace_skills.sandbox import Sandbox

__all__ = ["SkillTools"]

MAX_TEXT = 256 * 1024
"""Bytes of a body or a file that a model is given."""
MAX_LISTED = 200
"""Files of a skill that are listed with its body."""

_log = logging.getLogger(__name__)


class SkillTools(Toolset):
    """Kind ``tools``, name ``skills``: loads skills, reads their files, runs their scripts."""

    def __init__(
        self,
        skills: Sequence[str] = (),
        folders: Sequence[str] = (),
        sandbox: str | None = None,
        choose: Mapping[str, str] | None = None,
        timeout: float = 60.0,
    ) -> None:
        """Takes what to offer; nothing is read before ``open``.

        Args:
            skills: Names of the skills to offer, of those that are installed and those in
                ``folders``; empty for all those in ``folders``.
            folders: Folders that are a skill or hold skills: ``PACKAGE:FOLDER``, or a path.
            sandbox: What scripts are run in. None refuses to run them; ``"none"`` runs them
                without any isolation.
            choose: For a name that several places have, the place to take it from: a
                distribution, or one of ``folders``.
            timeout: Seconds that a script may take.

        Raises:
            SkillError: There is nothing to offer.
            SandboxError: There is no such sandbox.
            TypeError: One text was given where a list of them is meant.
        """
        if isinstance(skills, str) or isinstance(folders, str):
            raise TypeError("skills and folders are lists of texts, not one text")
        if not skills and not folders:
            raise SkillError(
                "no skill is named: give skills=[NAME, ...] of those that are installed, or "
                'folders=["PACKAGE:FOLDER"]'
            )
        if timeout <= 0:
            raise SkillError(f"a script's timeout is in seconds, over 0; it is {timeout}")
        self._names = tuple(dict.fromkeys(skills))
        self._folders = tuple(folders)
        self._choose = dict(choose or {})
        self._sandbox = _sandbox(sandbox)
        limits = Limits(seconds=timeout, cpu_seconds=max(1, round(timeout)))
        self._runner = ScriptRunner(self._sandbox, limits) if self._sandbox else None
        self._skills: dict[str, Skill] = {}
        self._instructions = ""
        self._tools: dict[str, Callable[..., Awaitable[str]]] = {
            "load_skill": self.load_skill,
            "read_skill_file": self.read_skill_file,
            "run_skill_script": self.run_skill_script,
        }
        self._models = {name: arguments_model(tool) for name, tool in self._tools.items()}
        self._specs = tuple(tool_spec(name, None, tool) for name, tool in self._tools.items())

    async def open(self) -> None:
        """Finds the skills.

        Raises:
            SkillError: One that is named is not to be had.
        """
        skills = await asyncio.to_thread(self._find)
        self._skills = {skill.name: skill for skill in skills}
        self._instructions = describe_skills(skills)
        if self._sandbox is not None:
            await self._sandbox.open()

    def _find(self) -> list[Skill]:
        found = find_skills(folders=self._folders, installed=bool(self._names), choose=self._choose)
        for broken in found.broken:
            if broken.name in self._folders:
                raise SkillBrokenError(broken)  # a whole folder that was named
            if not self._names:
                _log.warning("skill left out: %s", SkillBrokenError(broken))
        if self._names:
            return sorted((found.get(name) for name in self._names), key=lambda one: one.name)
        for conflict in found.conflicts:
            raise conflict.error
        return list(found)

    async def close(self) -> None:
        """Ends the scripts that still run."""
        if self._sandbox is not None:
            await self._sandbox.close()

    def specs(self) -> Sequence[ToolSpec]:
        """The three tools."""
        return self._specs

    def instructions(self) -> str:
        """Each skill's name and description, for the system prompt."""
        return self._instructions

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Calls one of the tools; what it gives is text.

        Raises:
            ToolError: It failed; the text tells the model why.
        """
        tool = self._tools.get(name)
        if tool is None:
            raise ToolError(f"there is no tool called {name!r}")
        try:
            return await tool(**check_arguments(self._models[name], name, arguments))
        except SkillError as error:
            raise ToolError(str(error)) from error

    async def load_skill(self, name: str) -> str:
        """Gives a skill's instructions and the list of its files. Do this before its work.

        Args:
            name: The skill's name, as listed.
        """
        skill = self._skill(name)
        body = load_body(skill).encode()
        lines = [_text(skill.file, body[:MAX_TEXT], len(body))]
        files = [file for file in skill.files if file.path != skill.file]
        if files:
            lines += ["", f"Files of the skill {skill.name}:"]
        lines += [f"- {file.path} ({file.size} bytes)" for file in files[:MAX_LISTED]]
        if len(files) > MAX_LISTED:
            lines.append(f"- and {len(files) - MAX_LISTED} more")
        return "\n".join(lines)

    async def read_skill_file(self, skill: str, path: str) -> str:
        """Gives the text of a file of a skill.

        Args:
            skill: The skill's name.
            path: The file's path in the skill's folder, such as references/codes.md.
        """
        content = read_beneath(self._skill(skill).root, path, MAX_TEXT)
        return _text(path, content.data, content.size)

    async def run_skill_script(
        self, skill: str, script: str, args: tuple[str, ...] = (), stdin: str = ""
    ) -> str:
        """Runs a script of a skill, and gives what it prints.

        Args:
            skill: The skill's name.
            script: The script's path in the skill's scripts folder, such as check.py.
            args: Its arguments, one text each; no shell reads them.
            stdin: What it reads from standard input.
        """
        wanted = self._skill(skill)
        if self._runner is None:
            raise ToolError(
                "scripts are not run: this agent has no sandbox. To run them without isolation, "
                'its author must write sandbox="none" in the arguments of the tools plugin skills'
            )
        try:
            outcome = await self._runner.run(wanted, script, args, stdin)
        except ValueError as error:
            raise ToolError(str(error)) from None
        return told_of_outcome(f"the script {script} of the skill {wanted.name}", outcome)

    def _skill(self, name: str) -> Skill:
        try:
            return self._skills[name]
        except KeyError:
            listed = ", ".join(self._skills) or "none"
            raise ToolError(f"there is no skill {name!r}; the skills are: {listed}") from None


def _sandbox(name: str | None) -> Sandbox | None:
    if name is None:
        return None
    if name == "none":
        return NoSandbox()
    raise SandboxError(
        f'there is no sandbox {name!r}: write "none" to run scripts without isolation, or leave '
        "it out to refuse them"
    )


def _text(what: str, data: bytes, size: int) -> str:
    """Decode what was read.

    Raises:
        ToolError: It is no text.
    """
    cut = size > len(data)
    try:
        # The cut may have gone through a character; what is left of it is not text.
        text = codecs.getincrementaldecoder("utf-8")().decode(data, final=not cut)
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ToolError(f"{what} is binary ({size} bytes): it cannot be read as text")
    return f"{text}\n[cut: {size - len(text.encode())} more bytes]" if cut else text
