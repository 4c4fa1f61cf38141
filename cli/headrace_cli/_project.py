"""What a project says in its ``pyproject.toml`` under ``[tool.agents]``."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from headrace_cli._errors import CommandError
from headrace_registry.toml import parse_toml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from headrace.plugins import PluginSet
    from headrace.settings import Layer
    from headrace_registry.bundle.settings import BundleSettings
    from headrace_registry.settings import ProjectSettings

__all__ = ["Project", "RunDefaults", "nearest_project", "read_project"]

_FILE = "pyproject.toml"
_PACKAGES = ("targets", "index", "build", "registries", "sources")
_NAMES = (
    "agent",
    "files",
    "job",
    "run",
    "settings",
    "samples",
    "values",
    "prices",
    "plugins",
    "skills",
    "grants",
    "bundle",
    *_PACKAGES,
)
SKILL_SETTINGS: Mapping[str, Any] = {
    "sandbox": str,
    "embedder": str,
    "packages": str,
    "tokens": int,
    "timeout": (int, float),
}
"""The names of ``[tool.agents.skills]``, with the types of their values."""
_SKILLS = "skills."
_PRICES = ("currency", "known", "models")
_PRICE_NOTES = ("date", "source")  # for who reads the file
_LONGEST_JOB = 200
_GRANTS = ("network", "environment", "commands")


@dataclass(frozen=True, slots=True)
class RunDefaults:
    """``[tool.agents.run]``: what ``agents run`` takes where the command line is silent."""

    input: str | None = None
    """The input file, seen from the project's folder, or ``-``."""
    output: str | None = None
    """The output file, seen from the project's folder, or ``-``."""
    key: str | None = None
    """The field that is the key."""
    engine: str | None = None
    """``local`` or ``flink``."""
    state: str | None = None
    """The state file, seen from the project's folder."""
    dead_letters: str | None = None
    """The file of dead letters, seen from the project's folder."""
    approvals: str | None = None
    """The file of requests for somebody's decision, seen from the project's folder."""
    parallelism: int | None = None
    """Flink: how many workers."""
    format: str | None = None
    """``jsonl``, ``csv`` or ``text``."""
    columns: tuple[str, ...] = ()
    """Fields of the outputs that a terminal shows."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project's settings; all empty where it has no file."""

    folder: Path
    """The folder that the file is in."""
    agent: str | None = None
    """``module:Class``, a YAML file, or ``FILE.yaml:AGENT``."""
    files: tuple[str, ...] = ()
    """YAML files that the agent's is read together with, seen from the project's folder."""
    job: str | None = None
    """The identity of that agent, which state and memory follow; ``None``: its name."""
    jobs: Mapping[str, str] = field(default_factory=dict)
    """The identities of several agents, by their names."""
    run: RunDefaults = field(default_factory=RunDefaults)
    """Defaults of ``agents run``."""
    plugin_rules: Mapping[str, Any] = field(default_factory=dict)
    """``[tool.agents.plugins]``: ``allow``, ``block``, and pins (``"kind.name" = "package"``)."""
    skill_defaults: Mapping[str, Any] = field(default_factory=dict)
    """``[tool.agents.skills]``: arguments of the ``skills`` tools that the agent leaves out."""
    grants: Mapping[str, Mapping[str, list[str]]] = field(default_factory=dict)
    """``[tool.agents.grants.SKILL]``: what a skill may have of what it asks for."""
    packages: Mapping[str, Any] = field(default_factory=dict)
    """What says where packages come from, as written; ``settings`` reads it."""
    bundle: Mapping[str, Any] = field(default_factory=dict)
    """``[tool.agents.bundle]``, as written; ``bundle_settings`` reads it."""
    runtime: Mapping[str, Any] = field(default_factory=dict)
    """``[tool.agents.settings]``: settings of the runtime, by dotted names; those of
    ``[tool.agents.samples]`` too."""
    feed: str | None = None
    """``feed`` of ``[tool.agents.samples]``: where verdicts are laid for the agent, seen from the
    project's folder."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """``[tool.agents.values]``: the project's own values, by dotted names."""
    prices: str | None = None
    """The file of what models cost, seen from the project's folder."""

    def layer(self) -> Layer:
        """What the project says of the runtime's settings and of values, each with its line."""
        from headrace.settings import Layer
        from headrace_cli._files import shown_path
        from headrace_cli._toml_lines import lines_of

        said = {**self.runtime, **{f"values.{name}": one for name, one in self.values.items()}}
        priced = {} if self.prices is None else _prices(self.folder / self.prices)
        if not said and not priced:
            return Layer("project", {})
        path = shown_path(self.folder / _FILE)
        lines = lines_of(path.read_text(encoding="utf-8-sig"), "tool.agents")
        places = {}
        for name in said:
            line = lines.line(name if name.startswith("values.") else f"settings.{name}")
            if not line and name.startswith("samples."):
                line = lines.line(name)
            places[name] = f"{path}:{line}" if line else str(path)
        if priced:
            places |= dict.fromkeys(priced, str(shown_path(self.folder / str(self.prices))))
        return Layer("project", {**priced, **said}, places)

    def settings(self) -> ProjectSettings:
        """Where the project's packages come from, and what they are locked for.

        Raises:
            SettingsError: Something in it is wrong.
        """
        from headrace_registry.settings import read_settings

        return read_settings(self.packages, self.folder)

    def bundle_settings(self) -> BundleSettings:
        """What the project says of its jobs' zips.

        Raises:
            SettingsError: Something in it is wrong.
        """
        from headrace_registry.bundle.settings import read_bundle_settings

        return read_bundle_settings(self.bundle)

    @property
    def skill_pins(self) -> dict[str, str]:
        """For a skill's name, the distribution to take it from."""
        pins = {one: to for one, to in self.plugin_rules.items() if one.startswith(_SKILLS)}
        return {name[len(_SKILLS) :]: to for name, to in pins.items()}

    def plugins(self) -> PluginSet:
        """The plugins of this environment, as the project lets them in."""
        from headrace.plugins import discover

        rules = dict(self.plugin_rules)
        allow, block = rules.pop("allow", None), rules.pop("block", None)
        return discover(allow=allow, block=block, choose=rules)


def nearest_project(folder: Path) -> Project:
    """The project that a folder is in: the first ``pyproject.toml`` with ``[tool.agents]``."""
    for place in (folder, *folder.parents):
        if (place / _FILE).is_file():
            project = read_project(place)
            if project is not None:
                return project
    return Project(folder)


def read_project(folder: Path) -> Project | None:
    """The project of a folder; ``None`` where its file says nothing of agents.

    Raises:
        CommandError: The file cannot be read, or what it says is wrong.
    """
    path = folder / _FILE
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    # Parsing needs an import; most files on the way up say nothing of agents.
    if b"agents" not in content:
        return None
    data = _parsed(path, content)
    said = data.get("tool", {}).get("agents")
    if said is None:
        return None
    table = _table(said, "tool.agents", path)
    _check_names(table, _NAMES, "tool.agents", path)
    agent = table.get("agent")
    if agent is not None and not isinstance(agent, str):
        raise _wrong(path, "tool.agents.agent", "a text, such as 'module:Class'", agent)
    files = table.get("files", [])
    if not _is_texts(files):
        raise _wrong(path, "tool.agents.files", "a list of YAML files", files)
    prices = table.get("prices")
    if prices is not None and not isinstance(prices, str):
        raise _wrong(path, "tool.agents.prices", "a file, such as 'prices.toml'", prices)
    job, jobs = _identities(table.get("job"), path)
    samples, feed = _samples(table, path)
    rules = _table(table.get("plugins", {}), "tool.agents.plugins", path)
    for name, value in rules.items():
        many = name in ("allow", "block")
        right = _is_texts(value) if many else isinstance(value, str) and "." in name
        if not right:
            expected = "a list of patterns" if many else '"kind.name" = "distribution"'
            raise _wrong(path, f"tool.agents.plugins.{name}", expected, value)
    return Project(
        folder,
        agent,
        tuple(files),
        job,
        jobs,
        _run_defaults(table.get("run", {}), path),
        rules,
        _skill_defaults(table.get("skills", {}), path),
        _grants(table.get("grants", {}), path),
        {name: table[name] for name in _PACKAGES if name in table},
        _table(table.get("bundle", {}), "tool.agents.bundle", path),
        {**_flat(table, "settings", path), **samples},
        feed,
        _flat(table, "values", path),
        prices,
    )


def _identities(said: Any, path: Path) -> tuple[str | None, dict[str, str]]:
    """``job = "desk"``: of the project's own agent; ``job = {Desk = "desk"}``: by name."""
    by_name = said if isinstance(said, dict) else {}
    for one in [said] if said is not None and not by_name else by_name.values():
        if not isinstance(one, str) or not 0 < len(one) <= _LONGEST_JOB:
            expected = f"a text of 1 to {_LONGEST_JOB} characters, or a table by agents' names"
            raise _wrong(path, "tool.agents.job", expected, said)
    return (None if by_name else said), by_name


def _flat(table: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    """A table's leaves by dotted names."""
    said = _table(table.get(name, {}), f"tool.agents.{name}", path)
    if not said:
        return {}
    from headrace.settings import flattened

    return flattened(said)


def _samples(table: dict[str, Any], path: Path) -> tuple[dict[str, Any], str | None]:
    """The settings that ``[tool.agents.samples]`` says, and where verdicts are fed to the agent."""
    said = _flat(table, "samples", path)
    feed = said.pop("feed", None)
    if feed is not None and not (isinstance(feed, str) and feed):
        raise _wrong(path, "tool.agents.samples.feed", "a file or folder", feed)
    return {f"samples.{name}": value for name, value in said.items()}, feed


def _prices(path: Path) -> dict[str, Any]:
    """What a file says of models' prices, as settings.

    Raises:
        CommandError: It cannot be read, or has names that such a file has not.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CommandError(
            "the file of prices cannot be read (tool.agents.prices)",
            where=str(path),
            why=error.strerror or str(error),
        ) from None
    table = _parsed(path, content)
    _check_names(table, (*_PRICES, *_PRICE_NOTES), "prices", path)
    said = {name: table[name] for name in _PRICES if name in table}
    from pydantic import ValidationError

    from headrace.models.prices import PriceSettings

    try:
        PriceSettings.model_validate(said)
    except ValidationError as error:
        lines = [f"{_dotted(one['loc'])}: {one['msg']}" for one in error.errors()]
        raise CommandError("the prices are wrong", where=str(path), why="; ".join(lines)) from None
    return {f"prices.{name}": value for name, value in said.items()}


def _dotted(place: tuple[str | int, ...]) -> str:
    """A place as TOML writes it."""
    parts = [str(part) for part in place]
    return ".".join(part if part.isidentifier() else f'"{part}"' for part in parts)


def _skill_defaults(said: Any, path: Path) -> dict[str, Any]:
    table = _table(said, "tool.agents.skills", path)
    _check_names(table, tuple(SKILL_SETTINGS), "tool.agents.skills", path)
    for name, value in table.items():
        expected_type: Any = SKILL_SETTINGS[name]
        if not isinstance(value, expected_type) or isinstance(value, bool):
            expected = "a text" if expected_type is str else "a number"
            raise _wrong(path, f"tool.agents.skills.{name}", expected, value)
    return table


def _grants(said: Any, path: Path) -> dict[str, dict[str, list[str]]]:
    table = _table(said, "tool.agents.grants", path)
    for skill, grant in table.items():
        where = f"tool.agents.grants.{skill}"
        _check_names(_table(grant, where, path), _GRANTS, where, path)
        for kind, some in grant.items():
            if not _is_texts(some):
                raise _wrong(path, f"{where}.{kind}", "a list of texts", some)
    return table


def _parsed(path: Path, content: bytes) -> dict[str, Any]:
    try:
        return parse_toml(content.decode("utf-8-sig"))
    except ValueError as error:
        raise CommandError("this is not TOML", where=str(path), why=str(error)) from None


def _run_defaults(said: Any, path: Path) -> RunDefaults:
    table = _table(said, "tool.agents.run", path)
    known = {one.name.replace("_", "-"): one.name for one in fields(RunDefaults)}
    table = {name.replace("_", "-"): value for name, value in table.items()}
    _check_names(table, tuple(known), "tool.agents.run", path)
    values: dict[str, Any] = {}
    for name, value in table.items():
        where = f"tool.agents.run.{name}"
        if name == "columns":
            if not _is_texts(value):
                raise _wrong(path, where, "a list of field names", value)
            values[name] = tuple(value)
        elif name == "parallelism":
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise _wrong(path, where, "a whole number from 1", value)
            values[name] = value
        elif not isinstance(value, str):
            raise _wrong(path, where, "a text", value)
        else:
            values[known[name]] = value
    for name, choices in (("engine", ("local", "flink")), ("format", ("jsonl", "csv", "text"))):
        if values.get(name, choices[0]) not in choices:
            raise _wrong(path, f"tool.agents.run.{name}", " or ".join(choices), values[name])
    return RunDefaults(**values)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _table(value: Any, name: str, path: Path) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(path, name, "a table", value)
    return value


def _check_names(table: dict[str, Any], known: tuple[str, ...], name: str, path: Path) -> None:
    from difflib import get_close_matches

    for one in table:
        if one not in known:
            near = get_close_matches(one, known, 1)
            raise CommandError(
                f"[{name}] has the unknown name {one!r}",
                where=str(path),
                then=f"did you mean {near[0]!r}?" if near else f"it may have: {', '.join(known)}",
            )


def _wrong(path: Path, name: str, expected: str, value: Any) -> CommandError:
    return CommandError(f"{name} must be {expected}, and is {value!r}", where=str(path))
