"""The table of all settings: name, type, default, unit and meaning, each said once.

Settings of the runtime are the fields of ``RuntimeConfig``; what they mean is the text below each.
"""

from __future__ import annotations

import ast
import difflib
import functools
import inspect
import textwrap
import typing
from dataclasses import dataclass
from itertools import pairwise
from types import UnionType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from headrace.config import RuntimeConfig

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "VARIABLES",
    "Setting",
    "Variable",
    "meanings",
    "nearest",
    "runtime_settings",
    "setting_names",
    "type_text",
]

_UNITS = {
    "failure.attempts": "attempts",
    "failure.backoff": "seconds",
    "failure.max_backoff": "seconds",
    "failure.jitter": "part of 1",
    "outbox.attempts": "attempts",
    "outbox.backoff": "seconds",
    "outbox.max_backoff": "seconds",
    "outbox.jitter": "part of 1",
    "budget.calls": "requests",
    "budget.tokens": "tokens",
    "budget.cost": "prices.currency",
    "budget.warn": "part of 1",
}
"""Of fields that are used elsewhere too, where no setting is meant."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of the runtime."""

    name: str
    """Its name, dotted where it is part of a group: ``budget.calls``."""
    type: str
    """What it may be."""
    default: Any
    """What it is where nobody says."""
    unit: str
    """What its number counts; empty where it is none."""
    meaning: str
    """What it does."""
    fixed: bool = False
    """Part of what a job's state is, so that no cluster's configuration may say it."""

    @property
    def variable(self) -> str:
        """The environment variable that says it."""
        return "HEADRACE_SET_" + self.name.upper().replace(".", "__")


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable."""

    name: str
    """Its name; a part in capitals between angle brackets stands for a name of yours."""
    default: str
    """What counts where it is not set."""
    meaning: str
    """What it says, and to whom."""
    internal: bool = False
    """Set by headrace for its own processes; not for people."""


@functools.cache
def runtime_settings() -> dict[str, Setting]:
    """The settings of the runtime by dotted name, in the order of ``RuntimeConfig``."""
    return {one.name: one for one in _leaves(RuntimeConfig, "")}


def setting_names(group: str) -> tuple[str, ...]:
    """The dotted names of a setting, or of a group of them; none where it is neither."""
    return tuple(
        name for name in runtime_settings() if name == group or name.startswith(f"{group}.")
    )


def nearest(name: str, known: Iterable[str]) -> str:
    """The hint for a name that is none: the one that was probably meant."""
    names = list(known)
    near = difflib.get_close_matches(name, names, 1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"there are: {', '.join(names)}" if names else ""


def _leaves(model: type[BaseModel], above: str) -> Iterable[Setting]:
    texts = meanings(model)
    for name, field in model.model_fields.items():
        dotted = f"{above}{name}"
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            defaults = field.get_default()
            for one in _leaves(kind, f"{dotted}."):
                default = getattr(defaults, one.name.rpartition(".")[2], one.default)
                yield Setting(one.name, one.type, default, one.unit, one.meaning)
            continue
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        default = field.get_default(call_default_factory=False)
        yield Setting(
            name=dotted,
            type=type_text(kind),
            default=None if default is PydanticUndefined else default,
            unit=str(extra.get("unit", "")) or _UNITS.get(dotted, ""),
            meaning=texts.get(name, ""),
            fixed=bool(extra.get("fixed")),
        )


def meanings(kind: type) -> dict[str, str]:
    """The texts below the fields of a class, one line each."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind)))
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    found: dict[str, str] = {}
    for field, text in pairwise(body):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        ):
            found[field.target.id] = " ".join(text.value.value.replace("``", "`").split())
    return found


def type_text(kind: Any) -> str:
    """A type in plain words."""
    if typing.get_origin(kind) in (typing.Union, UnionType):
        parts = [type_text(one) for one in typing.get_args(kind) if one is not type(None)]
        return " or ".join([*parts, "none"] if type(None) in typing.get_args(kind) else parts)
    if typing.get_origin(kind) is typing.Literal:
        return " or ".join(f"`{one}`" for one in typing.get_args(kind))
    words = {int: "whole number", float: "number", str: "text", bool: "true or false"}
    return words.get(kind, getattr(kind, "__name__", str(kind)))


VARIABLES: tuple[Variable, ...] = (
    Variable(
        "HEADRACE_SET_<NAME>",
        "",
        "A setting of the runtime, or a value of yours: `HEADRACE_SET_MAX_IN_FLIGHT`; two "
        "underscores stand for a dot (`HEADRACE_SET_BUDGET__CALLS`, `HEADRACE_SET_VALUES__TENANT`)",
    ),
    Variable("HEADRACE_CLUSTER", "", "The cluster that commands ask: a name, HOST:PORT or a URL"),
    Variable("HEADRACE_FLINK_CA", "the system's", "A file of authorities for a cluster's TLS"),
    Variable("HEADRACE_FLINK_TOKEN", "`~/.netrc`", "The bearer token for a cluster's REST API"),
    Variable("HEADRACE_PLUGINS_ALLOW", "all", "Patterns of plugins that are let in, with commas"),
    Variable("HEADRACE_PLUGINS_BLOCK", "none", "Patterns of plugins that are kept out"),
    Variable("HEADRACE_CACHE_DIR", "`headrace` in the user's cache", "What is downloaded or made"),
    Variable(
        "HEADRACE_PYTHON",
        "`python3.x`, `python3`, `python`",
        "The interpreter of a job's workers, and of `./dev`",
    ),
    Variable(
        "HEADRACE_SECRETS",
        "`/etc/headrace/secrets`",
        "The folder in which a worker finds a job's secrets that are not in its environment",
    ),
    Variable(
        "HEADRACE_MCP_TOKENS",
        "`headrace/mcp` in the user's state (`~/.local/state`)",
        "The folder of what `agents login` keeps for MCP servers",
    ),
    Variable(
        "HEADRACE_SIGNING_KEYS", "", "The folder of keys that registries and zips are signed by"
    ),
    Variable("HEADRACE_SIGNING_PASSWORD", "not encrypted", "The password of those keys"),
    Variable("HEADRACE_SERVE_TOKEN", "", "The token that `agents serve` asks of who talks to it"),
    Variable("HEADRACE_UPLOAD_TOKEN", "`~/.netrc`", "The token for uploads to a registry"),
    Variable(
        "HEADRACE_REGISTRY_<NAME>_TOKEN",
        "`~/.netrc`, keyring",
        "The token for a registry; or `..._USERNAME` and `..._PASSWORD`",
    ),
    Variable("HEADRACE_JOB", "", "Where a worker has its job's zip unpacked", internal=True),
    Variable("HEADRACE_ORDER", "", "What a zip's driver is to do, as JSON", internal=True),
    Variable("HEADRACE_RUN", "", "How `agents run JOB.zip` runs it, as JSON", internal=True),
    Variable("HEADRACE_WATCH", "", "The descriptor on which it tells how it goes", internal=True),
)
"""The environment variables."""
