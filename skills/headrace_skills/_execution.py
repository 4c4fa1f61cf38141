"""What runs for skills: their scripts and shell commands, in the sandbox that was chosen."""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from headrace_skills._scripts import ScriptRunner
from headrace_skills.errors import SandboxError
from headrace_skills.needs import Grants, check_granted
from headrace_skills.sandbox import choose_sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headrace_skills._model import Skill
    from headrace_skills.sandbox import Limits, Outcome, Sandbox

__all__ = ["Execution"]


class Execution:
    """Runs scripts and commands of skills; nothing is chosen or started before ``open``.

    Args:
        sandbox: The sandbox's name; None for the best that works here.
        limits: What each script or command may use.
        grants: By a skill's name, what it may have of what it asks for.
        packages: The folder that ``agents skills prepare`` filled.
    """

    def __init__(
        self,
        sandbox: str | None,
        limits: Limits,
        grants: Mapping[str, Grants],
        packages: Path | None,
    ) -> None:
        self._name = sandbox
        self._limits = limits
        self._grants = grants
        self._packages = packages
        self._sandbox: Sandbox | None = None
        self._why_not = "the tools are not open"
        self._programs: dict[tuple[str, ...], Path] = {}
        self._lock = threading.Lock()
        self._closing = AsyncExitStack()

    async def open(self) -> None:
        """Chooses the sandbox. That none works is told when something is to be run.

        Raises:
            SandboxError: The one that is named does not work here, or there is none of that name.
        """
        try:
            self._sandbox = await asyncio.to_thread(choose_sandbox, self._name)
        except SandboxError as error:
            if self._name is not None:
                raise
            self._why_not = str(error)
            return
        await self._sandbox.open()
        self._closing.push_async_callback(self._sandbox.close)

    async def close(self) -> None:
        """Ends what still runs."""
        self._sandbox = None
        self._programs.clear()
        await self._closing.aclose()

    async def script(self, skill: Skill, script: str, args: Sequence[str], stdin: str) -> Outcome:
        """Runs a script of a skill; see ``ScriptRunner.run``."""
        runner = ScriptRunner(
            self._chosen(), self._limits, grants=self._grants, packages=self._packages
        )
        return await runner.run(skill, script, args, stdin)

    async def shell(self, skill: Skill, command: str) -> Outcome:
        """Runs a shell command beside a skill's files.

        Raises:
            ShellRefusedError: The command is not allowed.
            SkillNotGrantedError: The skill asks for what it is not granted.
            SandboxError: It could not be started.
        """
        from headrace_skills.shell import ShellRules, run_bash

        sandbox = self._chosen()
        needs = check_granted(skill, self._grants.get(skill.name, Grants()))
        rules = ShellRules(readable=(str(skill.root),)).granting(needs.commands)
        environment = {one: os.environ[one] for one in needs.environment if one in os.environ}
        return await run_bash(
            sandbox,
            command,
            rules,
            skill=skill.root,
            programs=await asyncio.to_thread(self._path_of, needs.commands),
            granted=needs.commands,
            environment=environment,
            network=needs.network,
            limits=self._limits,
        )

    def _path_of(self, granted: tuple[str, ...]) -> Path:
        """A folder of links to the programs that may be called: all that is on the ``PATH``."""
        from headrace_skills.shell import DEFAULT_COMMANDS, link_programs

        with self._lock:
            if granted not in self._programs:
                folder = tempfile.TemporaryDirectory(prefix="headrace-programs-")
                self._closing.callback(folder.cleanup)
                made = link_programs(Path(folder.name), {*DEFAULT_COMMANDS, *granted})
                self._programs[granted] = made
            return self._programs[granted]

    def _chosen(self) -> Sandbox:
        if self._sandbox is None:
            raise SandboxError(f"nothing is run here: {self._why_not}")
        return self._sandbox
