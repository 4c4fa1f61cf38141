"""What a project says of its job's zip, in ``[tool.agents.bundle]``.

For example::

    [tool.agents.bundle]
    include = ["data/prices.csv", "templates/**/*.html"]
    exclude = ["notes/**"]
    packages = ["tzdata"]
    commands = ["jq"]
    paths = ["/mnt/models"]
    keys = ["sha256:..."]
    not-secret = ["resources.llm.token_name"]

    [tool.agents.bundle.flink]
    execution.checkpointing.interval = "10s"
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from headrace.plugins import normalise
from headrace_registry.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["BundleSettings", "read_bundle_settings"]

_COMMAND = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9._+-]*")
_PACKAGE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_KEY = re.compile(r"sha256:[0-9a-f]{64}")
_SETTING = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_FLINK = "flink"


@dataclass(frozen=True, slots=True)
class BundleSettings:
    """What goes into a project's zip beside what is found there."""

    include: tuple[str, ...] = ()
    """Files and folders that the code reads at run time, as globs seen from the project."""
    exclude: tuple[str, ...] = ()
    """Files and folders to leave out, as globs."""
    packages: tuple[str, ...] = ()
    """Packages that the plan does not name and the code needs, by normalised name."""
    without: tuple[str, ...] = ()
    """Packages to leave out, by normalised name."""
    commands: tuple[str, ...] = ()
    """Programs that the workers have beyond those of a stock Flink image."""
    paths: tuple[str, ...] = ()
    """Absolute paths that the workers have themselves; what is below them counts, too."""
    keys: tuple[str, ...] = ()
    """Fingerprints of the keys that a zip of this project must be signed by."""
    not_secret: tuple[str, ...] = ()
    """What looks like a secret and is none: places in a plan, Flink's settings, files."""
    flink: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Flink's settings that travel with the job."""


def read_bundle_settings(table: Mapping[str, Any]) -> BundleSettings:
    """Reads ``[tool.agents.bundle]``.

    Raises:
        SettingsError: Something is wrong; says which name, and what it may be.
    """
    lists: dict[str, tuple[Callable[[str], str | None], str]] = {
        "include": (_glob, "globs seen from the project, such as data/**/*.csv"),
        "exclude": (_glob, "globs seen from the project, such as notes/**"),
        "packages": (_package, "names of packages, without versions"),
        "without": (_package, "names of packages, without versions"),
        "commands": (_matching(_COMMAND), "names of programs, without a path"),
        "paths": (_path, "absolute paths that the workers have"),
        "keys": (_matching(_KEY), "sha256: and 64 hexadecimal digits each"),
        "not-secret": (_place, "places that a refusal named, such as resources.llm.token_name"),
    }
    for name in table:
        if name not in (*lists, _FLINK):
            from difflib import get_close_matches  # only a failure pays for it

            near = get_close_matches(name, (*lists, _FLINK), 1)
            known = f"did you mean {near[0]!r}?" if near else f"it may have: {', '.join(lists)}"
            raise SettingsError(
                f"[tool.agents.bundle] has the unknown name {name!r}\n  next: {known}"
            )
    values: dict[str, Any] = {
        name.replace("-", "_"): _texts(name, table.get(name, []), read, meant)
        for name, (read, meant) in lists.items()
    }
    return BundleSettings(**values, flink=_settings(table.get(_FLINK, {})))


def _texts(name: str, said: Any, read: Callable[[str], str | None], meant: str) -> tuple[str, ...]:
    if not isinstance(said, list):
        raise _wrong(name, f"a list of {meant}", said)
    found = []
    for one in said:
        text = read(one) if isinstance(one, str) else None
        if text is None:
            raise _wrong(name, meant, one)
        found.append(text)
    return tuple(dict.fromkeys(found))


def _glob(text: str) -> str | None:
    path = PurePosixPath(text)
    plain = text and "\\" not in text and "\0" not in text and not path.is_absolute()
    return str(path) if plain and ".." not in path.parts and path.parts else None


def _path(text: str) -> str | None:
    path = PurePosixPath(text)
    right = path.is_absolute() and ".." not in path.parts and "\0" not in text
    # All of a machine is none that workers have: it would let every path pass.
    return str(path) if right and len(path.parts) > 1 else None


def _package(text: str) -> str | None:
    return normalise(text) if _PACKAGE.fullmatch(text) else None


def _place(text: str) -> str | None:
    return text.strip() or None


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    return lambda text: text if pattern.fullmatch(text) else None


def _settings(said: Any) -> dict[str, str]:
    """Flink's settings; ``a.b = 1`` without quotes is a table in a table, and means the same."""
    if not isinstance(said, dict):
        raise _wrong(_FLINK, "a table", said)
    found: dict[str, str] = {}
    for name, value in _flat(said, ""):
        if name in found:
            raise SettingsError(f"tool.agents.bundle.{_FLINK} says {name} twice")
        if not _SETTING.fullmatch(name):
            raise SettingsError(f"tool.agents.bundle.{_FLINK} has {name!r}, no name of a setting")
        if isinstance(value, bool):
            found[name] = "true" if value else "false"
        elif isinstance(value, (str, int, float)):
            found[name] = str(value)
        else:
            # The value may be a secret, so its type alone is told.
            raise SettingsError(
                f"tool.agents.bundle.{_FLINK}: {name} must be a text, a number, true or false, "
                f"and is a {type(value).__name__}"
            )
    return dict(sorted(found.items()))


def _flat(table: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _wrong(name: str, expected: str, value: Any) -> SettingsError:
    return SettingsError(f"tool.agents.bundle.{name} must be {expected}, and is {value!r}")
