"""The names of ``[tool.agents]`` as a table: what they mean stands where they are read."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ProjectSetting", "as_markdown", "project_settings"]

_TEXTS = "list of texts"
_SKILLS = {
    "sandbox": (
        "the best there is",
        "What scripts run in: `bubblewrap`, `landlock`, `none`, or a plugin's",
    ),
    "embedder": ("", "The embedding model that tells which skills are near a request"),
    "packages": ("", "The folder that `agents skills prepare` filled with what scripts import"),
    "tokens": ("2000", "Tokens of what a model is told of skills before it asks for one"),
    "timeout": ("60", "Seconds that a script may take"),
}


@dataclass(frozen=True, slots=True)
class ProjectSetting:
    """One name of ``[tool.agents]``."""

    name: str
    """Its dotted name; a part in capitals stands for a name of yours."""
    type: str
    """What it may be."""
    default: str
    """What it is where nobody says."""
    meaning: str
    """What it does."""


def project_settings() -> list[ProjectSetting]:
    """All of them, in the order in which one meets them."""
    from headrace_cli._project import RunDefaults
    from headrace_registry.bundle.settings import BundleSettings
    from headrace_registry.settings import RegistrySettings

    own = {
        "agent": ("text", "", "The agent of this folder: `module:Class`, or a YAML file"),
        "files": (_TEXTS, "", "YAML files that are read together with the agent's"),
        "job": ("text or table", "the agent's name", "The job's identity, which its state follows"),
        "settings.NAME": ("as below", "", "A setting of the runtime, such as `budget.calls`"),
        "samples.NAME": ("as below", "", "The setting `samples.NAME`: runs put aside for people"),
        "samples.feed": (
            "text",
            "",
            "Where verdicts are laid for the agent: the job's input, or a folder that it follows",
        ),
        "values.NAME": (
            "any",
            "",
            "A value of yours, which actions and tools read by `ctx.config`",
        ),
        "prices": ("path", "", "A file of what models cost, seen from the project's folder"),
        "plugins.allow": (_TEXTS, "all", "Patterns of plugins that are let in"),
        "plugins.block": (_TEXTS, "", "Patterns of plugins that are kept out"),
        'plugins."KIND.NAME"': ("text", "", "Which distribution's, where two have one name"),
        "grants.SKILL.network": (_TEXTS, "", "Hosts that the skill's scripts may reach"),
        "grants.SKILL.environment": (_TEXTS, "", "Environment variables that they may see"),
        "grants.SKILL.commands": (_TEXTS, "", "Programs that they may start"),
        "targets": (
            "list of tables",
            "this machine",
            "What is locked for: `python`, `platform`, `flink`",
        ),
        "index": ("text", "uv's own", "The package index"),
        "build": (_TEXTS, "", "Source distributions that may be built, each `NAME==VERSION`"),
        "sources.PACKAGE": ("text or table", "", "Where a package comes from"),
    }
    found = [ProjectSetting(name, *rest) for name, rest in own.items()]
    found += [
        ProjectSetting(f"skills.{name}", _kind_of(name), default, text)
        for name, (default, text) in _SKILLS.items()
    ]
    found += _fields_of("run.", RunDefaults)
    found += _fields_of("bundle.", BundleSettings)
    found += _fields_of("registries.NAME.", RegistrySettings, without=("name",))
    found.append(
        ProjectSetting("registries.NAME.unsigned", "true or false", "false", "It has no key")
    )
    return sorted(found, key=lambda one: _rank(one.name))


def as_markdown() -> str:
    """The tables of ``docs/settings.md``."""
    from headrace.settings import VARIABLES, runtime_settings

    parts = [
        "### Settings of the runtime\n",
        "| setting | default | unit | meaning |",
        "|---|---|---|---|",
    ]
    for one in runtime_settings().values():
        default = "none" if one.default is None else str(one.default)
        fixed = " Not from a cluster's configuration." if one.fixed else ""
        parts.append(f"| `{one.name}` | {default} | {one.unit} | {one.meaning}{fixed} |")
    parts += [
        "",
        "### `[tool.agents]` in `pyproject.toml`\n",
        "| name | type | default | meaning |",
        "|---|---|---|---|",
    ]
    parts += [
        f"| `{one.name}` | {one.type} | {one.default} | {one.meaning} |"
        for one in project_settings()
    ]
    parts += [
        "",
        "### Environment variables\n",
        "| variable | where it is not set | meaning |",
        "|---|---|---|",
    ]
    parts += [
        f"| `{one.name}` | {one.default} | {one.meaning} |" for one in VARIABLES if not one.internal
    ]
    inner = ", ".join(f"`{one.name}`" for one in VARIABLES if one.internal)
    parts += ["", f"For headrace's own processes, not for you: {inner}."]
    return "\n".join(parts) + "\n"


def _kind_of(name: str) -> str:
    from headrace_cli._project import SKILL_SETTINGS

    return "text" if SKILL_SETTINGS[name] is str else "number"


def _fields_of(
    above: str, kind: type[Any], without: tuple[str, ...] = ()
) -> Iterator[ProjectSetting]:
    from headrace.settings._table import meanings

    texts = meanings(kind)
    for one in fields(kind):
        if one.name in without:
            continue
        default = None if one.default is MISSING else one.default
        words = str(one.type).replace(" | None", "")
        many = words.startswith("tuple")
        kinds = {"str": "text", "int": "whole number", "Path": "path"}
        yield ProjectSetting(
            above + one.name.replace("_", "-"),
            _TEXTS if many else "table" if "Mapping" in words else kinds.get(words, words),
            "" if default in (None, ()) else str(default),
            texts.get(one.name, "").rstrip("."),
        )


def _rank(name: str) -> tuple[int, str]:
    first = (
        "agent",
        "files",
        "job",
        "run",
        "settings",
        "samples",
        "values",
        "plugins",
        "skills",
        "grants",
    )
    top = name.partition(".")[0]
    return (first.index(top) if top in first else len(first), "" if top in first else top)
