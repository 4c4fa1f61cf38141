"""Which sandbox: the best that works, found by running a program in it."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from headrace_skills.errors import SandboxError
from headrace_skills.sandbox import Command, Limits, Sandbox, TriedSandbox
from headrace_skills.sandboxes._bubblewrap import Bubblewrap, bubblewrap_program
from headrace_skills.sandboxes._landlock import LandlockSandbox
from headrace_skills.sandboxes._none import NoSandbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from headrace_skills.sandboxes._base import KeptSandbox

__all__ = ["choose", "tried"]

_BEST_FIRST: dict[str, Callable[[], KeptSandbox]] = {
    "bubblewrap": Bubblewrap,
    "landlock": LandlockSandbox,
}
_PROBE = Command(
    ("/bin/sh", "-c", "exit 0"), Path(__file__).parent, limits=Limits(seconds=10, cpu_seconds=10)
)


def choose(name: str | None) -> Sandbox:
    """See ``headrace_skills.sandbox.choose_sandbox``."""
    if name == "none":
        return NoSandbox()
    if name in _BEST_FIRST:
        result = _try(name)
        if not result.works:
            raise SandboxError(
                f"the sandbox {name!r} does not work here: {result.detail}{_OR_NONE}"
            )
        return _BEST_FIRST[name]()
    if name is not None and name != "auto":
        return _from_plugin(name)
    failed = []
    for one, make in _BEST_FIRST.items():  # one that works spares the trial of the others
        result = _try(one)
        if result.works:
            return make()
        failed.append(f"\n    {one}: {result.detail}")
    raise SandboxError(f"no sandbox works on this machine:{''.join(failed)}{_OR_NONE}")


_OR_NONE = (
    '\n    sandbox = "none" runs scripts without any isolation, where a project wants that; '
    "`agents doctor` shows what was tried"
)


def tried() -> tuple[TriedSandbox, ...]:
    """See ``headrace_skills.sandbox.try_sandboxes``."""
    results = [_try(name) for name in _BEST_FIRST]
    best = next((one.name for one in results if one.works), None)
    return tuple(replace(one, chosen=one.name == best) for one in results)


@cache
def _try(name: str) -> TriedSandbox:
    sandbox = _BEST_FIRST[name]()
    try:
        outcome = sandbox.run_now(_PROBE)
    except (SandboxError, OSError) as error:
        return TriedSandbox(name, works=False, detail=str(error))
    finally:
        sandbox.end()
    if not outcome.ok:
        said = outcome.stderr.decode("utf-8", "replace").strip() or f"it ended by {outcome.ended}"
        return TriedSandbox(name, works=False, detail=said)
    return TriedSandbox(name, works=True, detail=_DETAILS[name]())


def _of_bubblewrap() -> str:
    program = bubblewrap_program()
    told = subprocess.run(  # noqa: S603 - the very program that runs scripts
        [program, "--version"], capture_output=True, text=True, check=False, timeout=10
    )
    return f"{told.stdout.strip() or 'bubblewrap'} ({program})"


def _of_landlock() -> str:
    from headrace_skills.sandboxes._inside._walls import landlock_version

    return f"Landlock version {landlock_version()}, seccomp"


_DETAILS = {"bubblewrap": _of_bubblewrap, "landlock": _of_landlock}


def _from_plugin(name: str) -> Sandbox:
    from headrace.plugins import PluginNotFoundError, discover, load

    try:
        plugin = discover().get("sandboxes", name)
    except PluginNotFoundError:
        own = ", ".join((*_BEST_FIRST, "none"))
        raise SandboxError(
            f"there is no sandbox {name!r}: there are {own}, and those of plugins "
            "(agents plugins list --kind sandboxes); leave it out for the best that works"
        ) from None
    made = load(plugin)
    sandbox = made() if callable(made) else made
    if not isinstance(sandbox, Sandbox):
        raise SandboxError(
            f"the plugin {plugin.key} of {plugin.source} gives a {type(sandbox).__name__}, which "
            "is no headrace_skills.sandbox.Sandbox"
        )
    return sandbox
