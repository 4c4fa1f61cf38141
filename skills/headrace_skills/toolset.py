"""Skills as tools: what a model is told of them, and the tools to use them by."""

from __future__ import annotations

import asyncio
import codecs
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.errors import ToolError
from headrace.interfaces import Toolset
from headrace.records import tell_skill
from headrace.tools import arguments_model, check_arguments, tool_spec
from headrace_skills._confined import read_beneath
from headrace_skills._execution import Execution
from headrace_skills._finding import find_skills
from headrace_skills._prompt import describe_nearest, told_of_outcome
from headrace_skills._reading import load_body
from headrace_skills.disclosure import Disclosure, estimate_tokens
from headrace_skills.errors import SkillBrokenError, SkillError
from headrace_skills.needs import Grants, check_granted
from headrace_skills.sandbox import Limits

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from headrace.chat import ToolSpec
    from headrace_skills._model import Skill
    from headrace_skills.sandbox import Outcome

__all__ = ["SkillTools"]

MAX_TEXT = 256 * 1024
"""Bytes of a body or a file that a model is given."""
MAX_LISTED = 200
"""Files of a skill that are listed with its body."""
MAX_FOUND = 20
"""Skills that one search gives."""

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
        tokens: int = 2_000,
        embedder: str | None = None,
        grants: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
        packages: str | None = None,
        bash: bool = False,  # noqa: FBT001, FBT002 - plans name their arguments
    ) -> None:
        """Takes what to offer; nothing is read before ``open``.

        Args:
            skills: Names of the skills to offer, of those that are installed and those in
                ``folders``; empty for all those in ``folders``.
            folders: Folders that are a skill or hold skills: ``PACKAGE:FOLDER``, or a path.
            sandbox: What scripts are run in: ``"bubblewrap"``, ``"landlock"``, one of a plugin,
                or ``"none"``, which isolates nothing. None for the best that works on the
                worker; where none does, scripts are refused.
            choose: For a name that several places have, the place to take it from: a
                distribution, or one of ``folders``.
            timeout: Seconds that a script may take.
            tokens: The budget of what a model is told of skills before it asks for one. Where
                they do not all fit, those nearest to a request are listed with it, and there is
                a tool to find the others.
            embedder: The agent's embedding model that tells which are near, beside their words.
            grants: For a skill's name, what it may have of what it asks for: ``network``,
                ``environment`` and ``commands``, each a list of texts.
            packages: The folder that ``agents skills prepare`` filled with what scripts import.
            bash: Whether there is a tool for shell commands too.

        Raises:
            SkillError: There is nothing to offer, or the budget or a time is none.
            TypeError: One text was given where a list of them is meant, or a grant is unknown.
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
        if tokens <= 0:
            raise SkillError(f"the budget of a listing is in tokens, over 0; it is {tokens}")
        self._names = tuple(dict.fromkeys(skills))
        self._folders = tuple(folders)
        self._choose = dict(choose or {})
        self._tokens = tokens
        self._embedder = embedder
        self._grants = {
            name: Grants(**{kind: tuple(some) for kind, some in grant.items()})
            for name, grant in (grants or {}).items()
        }
        self._bash = bash
        self._execution = Execution(
            sandbox,
            Limits(seconds=timeout, cpu_seconds=max(1, round(timeout))),
            self._grants,
            None if packages is None else Path(packages),
        )
        self._skills: dict[str, Skill] = {}
        self._disclosure = Disclosure((), tokens)
        self._tools: dict[str, Callable[..., Awaitable[str]]] = {}
        self._offer()

    def _offer(self) -> None:
        tools: list[Callable[..., Awaitable[str]]] = [
            self.load_skill,
            self.read_skill_file,
            self.run_skill_script,
        ]
        if self.selective:
            tools.insert(0, self.find_skills)
        if self._bash:
            tools.append(self.bash)
        self._tools = {tool.__name__: tool for tool in tools}
        self._models = {name: arguments_model(tool) for name, tool in self._tools.items()}
        self._specs = tuple(tool_spec(name, None, tool) for name, tool in self._tools.items())

    async def open(self) -> None:
        """Finds the skills.

        Raises:
            SkillError: One that is named is not to be had, or one that is offered is not granted
                what it asks for.
        """
        skills = await asyncio.to_thread(self._find)
        for skill in skills:
            check_granted(skill, self._grants.get(skill.name, Grants()))
        self._skills = {skill.name: skill for skill in skills}
        self._disclosure = Disclosure(skills, self._tokens)
        self.selective = not self._disclosure.lists_all
        embedder = self.selective and self._embedder
        await self._disclosure.open(
            await self.resource("embedding_models", embedder) if embedder else None
        )
        self._offer()
        await self._execution.open()

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
        self._disclosure.close()
        await self._execution.close()

    def specs(self) -> Sequence[ToolSpec]:
        """The tools."""
        return self._specs

    def instructions(self) -> str:
        """Each skill's name and description, for the system prompt, or that there are many."""
        return self._disclosure.instructions

    async def suggestions(self, request: str) -> str:
        """The skills that look nearest to a request, where not all are listed anyway."""
        text, near = await self._disclosure.suggest(request)
        names = [one.name for one in near]
        tell_skill("suggested", "skills", skills=names, tokens=estimate_tokens(text))
        return text

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

    async def find_skills(self, request: str, limit: int = 5) -> str:
        """Finds the skills that are nearest to a request, by what they say they are for.

        Args:
            request: What is to be done, in a sentence.
            limit: How many to list, up to 20.
        """
        near = await self._disclosure.nearest(request, max(1, min(limit, MAX_FOUND)))
        tell_skill("searched", "skills", request=request[:200], skills=[one.name for one in near])
        return describe_nearest(near) or "no skill has anything to do with it"

    async def load_skill(self, name: str) -> str:
        """Gives a skill's instructions and the list of its files. Do this before its work.

        Args:
            name: The skill's name, as listed.
        """
        skill = self._skill(name)
        body = load_body(skill).encode()
        lines = [_text(skill.file, body[:MAX_TEXT], len(body))]
        if self._bash:
            lines += ["", f"The skill's folder is {skill.root}"]
        files = [file for file in skill.files if file.path != skill.file]
        if files:
            lines += ["", f"Files of the skill {skill.name}:"]
        lines += [f"- {file.path} ({file.size} bytes)" for file in files[:MAX_LISTED]]
        if len(files) > MAX_LISTED:
            lines.append(f"- and {len(files) - MAX_LISTED} more")
        text = "\n".join(lines)
        self._tell("loaded", skill, text, file=skill.file, files=len(files))
        return text

    async def read_skill_file(self, skill: str, path: str) -> str:
        """Gives the text of a file of a skill.

        Args:
            skill: The skill's name.
            path: The file's path in the skill's folder, such as references/codes.md.
        """
        wanted = self._skill(skill)
        content = read_beneath(wanted.root, path, MAX_TEXT)
        text = _text(path, content.data, content.size)
        self._tell("read", wanted, text, file=path)
        return text

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
        try:
            outcome = await self._execution.script(wanted, script, args, stdin)
        except ValueError as error:
            raise ToolError(str(error)) from None
        self._tell_ran("ran", wanted, outcome, file=script)
        return told_of_outcome(f"the script {script} of the skill {wanted.name}", outcome)

    async def bash(self, skill: str, command: str) -> str:
        """Runs a shell command, in an empty folder of its own, and gives what it prints.

        Only plain tools for text and files are allowed. The skill's files are read by their full
        path, which stands in its instructions.

        Args:
            skill: The skill whose work it is for.
            command: The command, as bash reads it.
        """
        wanted = self._skill(skill)
        outcome = await self._execution.shell(wanted, command)
        self._tell_ran("ran", wanted, outcome, command=command[:500])
        return told_of_outcome("the command", outcome)

    def _tell_ran(self, what: str, skill: Skill, outcome: Outcome, **more: Any) -> None:
        printed = (outcome.stdout + outcome.stderr).decode("utf-8", "replace")
        self._tell(what, skill, printed, ended=outcome.ended, code=outcome.code, **more)

    def _tell(self, what: str, skill: Skill, text: str, **more: Any) -> None:
        tell_skill(
            what,
            skill.name,
            version=skill.version or skill.metadata.get("version"),
            source=skill.source,
            tokens=estimate_tokens(text),
            **more,
        )

    def _skill(self, name: str) -> Skill:
        try:
            return self._skills[name]
        except KeyError:
            from difflib import get_close_matches  # only a failure pays for it

            names = list(self._skills)
            if len(names) > MAX_FOUND:
                names = get_close_matches(name, names, 5) or ["(use find_skills)"]
            listed = ", ".join(names) or "none"
            raise ToolError(f"there is no skill {name!r}; the skills are: {listed}") from None


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
