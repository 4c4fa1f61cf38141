"""Paths of this machine in a plan: those of the project are marked, others are refused."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.jobs.manifest import APP
from headrace.jobs.places import MARK
from headrace_registry.bundle._files import seen_from
from headrace_registry.bundle._imports import Modules
from headrace_registry.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from headrace.plan import AgentPlan, ResourceProvider
    from headrace_registry.bundle.settings import BundleSettings

__all__ = ["Place", "is_skills", "mark_places", "own_folder", "texts_of"]

_EVERYWHERE = frozenset(
    ("/", "/tmp", "/var/tmp", "/dev/null", "/dev/shm", "/dev/stdin", "/dev/stdout", "/dev/stderr")  # noqa: S108 - names
) | {"/bin/sh", "/bin/bash", "/usr/bin/env"}
"""What exists here and on every worker, too."""
_LONGEST = 4096  # what a system takes for a path
_PACKAGED = re.compile(r"(?P<package>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):(?P<below>.*)")
_RESOURCE = re.compile(r"^resource_providers\.[^.]+\.([^.]+)\.arguments")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text stands in a plan."""

    provider: ResourceProvider | None
    """The resource whose argument it is; ``None``: it is the agent's parameter."""
    names: tuple[str, ...]
    """The argument or parameter, and the names and numbers below it."""
    group: str = "parameters"
    """What it is of where it is no resource's: ``parameters``, ``values``, ``actions``."""

    def __str__(self) -> str:
        of = self.group if self.provider is None else f"resources.{self.provider.name}"
        return ".".join((of, *self.names))

    @property
    def is_told(self) -> bool:
        """Whether a model reads it: a prompt, or what a function of the project is for."""
        one = self.provider
        if one is None:
            return False
        function = one.kind == "tools" and one.plugin is None and "parameters" in one.arguments
        return one.kind == "prompts" or function


def is_skills(provider: ResourceProvider | None) -> bool:
    """Whether a resource offers skills."""
    return provider is not None and (provider.kind, provider.plugin) == ("tools", "skills")


def texts_of(plan: AgentPlan) -> Iterator[tuple[Place, str]]:
    """The texts of a plan's parameters and values, and of its resources' arguments."""
    found: list[tuple[Place, str]] = []

    def keep(place: Place, text: str) -> str:
        found.append((place, text))
        return text

    _map(plan, keep)
    return iter(found)


def mark_places(
    plan: AgentPlan, *, root: Path, project: Path, settings: BundleSettings
) -> tuple[AgentPlan, tuple[Path, ...]]:
    """Makes a plan that names no place of this machine.

    An absolute path in the project, and a relative one of a file that is there, becomes a place in
    the job's zip. What a model is told is left as it is.

    Args:
        plan: The plan, as it was compiled here.
        root: The folder that the job's modules are imported from.
        project: The project's folder, which relative paths are seen from.
        settings: What the project says; its ``paths`` are the workers' own.

    Returns:
        The plan, and the files and folders that it names, which have to travel.

    Raises:
        BundleError: It names places that workers do not have; says all, each with its argument.
    """
    marking = _Marking(root.absolute(), project.absolute(), settings)
    marked = _map(plan, marking.change)
    marking.check(marked)
    if marking.faults:
        lines = "\n".join(f"- {one}" for one in marking.faults)
        raise BundleError(f"the plan of {plan.name} names what workers do not have:\n{lines}")
    return marked, tuple(sorted(marking.named))


def own_folder(text: str, root: Path, project: Path) -> tuple[Path, Path] | None:
    """What ``PACKAGE:FOLDER`` means, where the package is the project's own.

    Returns:
        The folder, and the one that the package is imported from; ``None`` where it is installed.
    """
    match = _PACKAGED.fullmatch(text)
    if match is None:
        return None
    try:
        module = Modules(root, project).find(match["package"])
    except BundleError:
        return None  # refused where the code is collected
    if module is None or module.kind not in ("package", "namespace"):
        return None
    folder = module.path.parent if module.kind == "package" else module.path
    return folder / match["below"], module.base


class _Marking:
    def __init__(self, root: Path, project: Path, settings: BundleSettings) -> None:
        self.faults: list[str] = []
        self.named: set[Path] = set()
        self._root, self._project = root, project
        self._own = tuple(Path(one) for one in settings.paths)
        self._homes = tuple(dict.fromkeys((project, root, project.resolve(), root.resolve())))

    def change(self, place: Place, text: str) -> str:
        """The text, marked where it is a place in the project."""
        if text.startswith(MARK):
            self.faults.append(
                f"{place} begins with {MARK}, as marks of places in a zip do\n"
                "  next: begin it with something else"
            )
        elif not place.is_told and text and len(text) <= _LONGEST and text.isprintable():
            if os.path.isabs(text):  # noqa: PTH117 - a text, and no path yet
                return self._absolute(place, text)
            return self._relative(place, text)
        return text

    def _absolute(self, place: Place, text: str) -> str:
        plain = Path(os.path.normpath(text))
        if str(plain) in _EVERYWHERE or any(plain.is_relative_to(one) for one in self._own):
            return text
        shown = self._inside(plain)
        if shown is not None:
            return self._marked(place, text, shown)
        if os.path.lexists(plain):
            self.faults.append(
                f"{place} is {text!r}, a place on this machine and outside of the project\n"
                "  next: move it into the project and name it there; or, if every worker has it, "
                'say so: paths = ["..."] in [tool.agents.bundle]'
            )
        return text

    def _relative(self, place: Place, text: str) -> str:
        named = self._is_named(place, text)
        if named and place.names[0] == "folders":
            own = own_folder(text, self._root, self._project)
            if own is not None:
                self._name_package(*own)
                return text
        if not named and "/" not in text and not Path(text).suffix:
            return text
        path = Path(os.path.normpath(self._project / text))
        if path in self._homes or not os.path.lexists(path):
            return text
        shown = self._inside(path)
        if shown is not None:
            return self._marked(place, text, shown)
        self.faults.append(
            f"{place} is {text!r}, which leads out of the project\n"
            "  next: move it into the project and name it there"
        )
        return text

    def _is_named(self, place: Place, text: str) -> bool:
        """Whether a text is a folder by what it is an argument of."""
        if place.provider is None or not is_skills(place.provider):
            return False
        if place.names[0] == "choose":
            return text in place.provider.arguments.get("folders", ())
        return place.names[0] in ("folders", "packages")

    def _inside(self, path: Path) -> str | None:
        """A path as seen from the project, by its name or by what it leads to."""
        shown = seen_from(path, *self._homes)
        if shown is None:
            shown = seen_from(path.resolve(), *self._homes)
        return shown

    def _marked(self, place: Place, text: str, shown: str) -> str:
        if shown == ".":
            self.faults.append(
                f"{place} is {text!r}, the whole project\n"
                "  next: name the file or folder in it that is meant"
            )
            return text
        found = next((home / shown for home in self._homes if os.path.lexists(home / shown)), None)
        if found is None:
            self.faults.append(
                f"{place} is {text!r}, and there is nothing in the project\n"
                "  next: make the file, if it is read; name a place that workers have, if it is "
                "written"
            )
            return text
        self.named.add(found)
        return f"{MARK}{APP}/{shown}"

    def _name_package(self, folder: Path, base: Path) -> None:
        """A package is named as a whole: workers find it by its name."""
        top = base / folder.relative_to(base).parts[0]
        self.named.add(top if (top / "__init__.py").is_file() else folder)

    # ------------------------------------------------------------ what is left
    def check(self, plan: AgentPlan) -> None:
        """Looks for the project's path in all texts of the plan, also inside of others."""
        # One name alone, such as /app, is too common a text.
        paths = [str(one) for one in self._homes if len(one.parts) > 2]  # noqa: PLR2004
        if not paths:
            return
        ways = "|".join(map(re.escape, sorted(paths, key=len, reverse=True)))
        mention = re.compile(rf"(?<![\w.-])(?:{ways})(?![\w.-])")
        told = {text for fault in self.faults for text in re.findall(r"^(\S+) is '", fault)}
        for place, text in _all_texts(plan.model_dump(mode="json"), ()):
            shown = ".".join(place)
            if text.startswith(MARK) or not mention.search(text):
                continue
            short = re.sub(
                r"^resource_providers\.[^.]+\.([^.]+)\.arguments", r"resources.\1", shown
            )
            if short not in told:
                self.faults.append(
                    f"{short} mentions the path of the project on this machine\n"
                    "  next: take it out of that text"
                )


def _map(plan: AgentPlan, change: Callable[[Place, str], str]) -> AgentPlan:
    """The plan with each text changed of its parameters, values, and resources' arguments."""
    providers = {
        kind: {
            name: one.model_copy(
                update={"arguments": _mapped(one.arguments, Place(one, ()), change)}
            )
            for name, one in some.items()
        }
        for kind, some in plan.resource_providers.items()
    }
    actions = {
        name: one.model_copy(
            update={
                "settings": _mapped(
                    one.settings, Place(None, (name, "settings"), "actions"), change
                )
            }
        )
        if one.settings
        else one
        for name, one in plan.actions.items()
    }
    return plan.model_copy(
        update={
            "parameters": _mapped(plan.parameters, Place(None, ()), change),
            "values": _mapped(plan.values, Place(None, (), "values"), change),
            "actions": actions,
            "resource_providers": providers,
        }
    )


def _mapped(value: Any, place: Place, change: Callable[[Place, str], str]) -> Any:
    if isinstance(value, str):
        return change(place, value)
    if isinstance(value, dict):
        return {
            name: _mapped(one, replace(place, names=(*place.names, str(name))), change)
            for name, one in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [
            _mapped(one, replace(place, names=(*place.names, str(at))), change)
            for at, one in enumerate(value)
        ]
    return value


def _all_texts(value: Any, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield (*place, "(a name)"), str(name)
            yield from _all_texts(one, (*place, str(name)))
    elif isinstance(value, list):
        for at, one in enumerate(value):
            yield from _all_texts(one, (*place, str(at)))
