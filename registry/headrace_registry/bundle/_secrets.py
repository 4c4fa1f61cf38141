"""Secrets: those that a job names, for workers to be given, and those that it must not hold."""

from __future__ import annotations

import ast
import importlib.util
import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.jobs.manifest import APP, Secret
from headrace_registry.bundle._places import texts_of
from headrace_skills._secret_forms import ASSIGNED, SECRET

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from headrace.jobs.manifest import SkillEntry
    from headrace.plan import AgentPlan, ResourceProvider
    from headrace_registry.bundle._files import CodeFile
    from headrace_registry.bundle._places import Place
    from headrace_registry.bundle.settings import BundleSettings

__all__ = ["NOT_SECRET", "held_secrets", "secrets_of"]

NOT_SECRET = "headrace: not-secret"  # noqa: S105 - it says so
"""What a line of code says that only looks like a secret."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ENV = "_env"
_TELLING = re.compile(
    r"(?:^|[-_.])(?:password|passwd|passphrase|secret|token|apikey|authorization|cookie|dsn"
    r"|credentials?|(?:api|access|private|secret|account)[-_.]?key)(?:$|[-_.])"
)
_ELSEWHERE = re.compile(r"[-_.](?:env|file|path|folder|url|uri)$")  # says where it is, not what
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_READ = frozenset(
    (".py", ".yaml", ".yml", ".toml", ".json", ".md", ".txt", ".cfg", ".ini", ".sh", ".env")
)
_PROSE = frozenset((".md", ".txt"))
_MAX_READ = 4 * 1024**2
_MAX_HITS = 1_000  # of a kind in a file
_MAX_TOLD = 10  # lines of a file
_FORMS = ("akia", "gh", "xox", "sk-", "aiza", "eyj", "private key-----")
_NAMES = ("password", "passwd", "secret", "token", "api_key", "apikey")
_AT = ("://",)
_URL = re.compile(
    r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,20}://[^\s\"'<>/@:]{0,100}:[^\s\"'<>/@]{1,200}@"
    r"[^\s\"'<>/@]{1,100}",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PLACEHOLDER = re.compile(
    r"(?i)your|example|placeholder|change-?me|dummy|fake|x{3}|\*{3}|\.{3}|[{}<>$%]"
    r"|://[^/@]*:(?:password|passwd|pass|secret|pw|user)@|@(?:localhost|127\.0\.0\.1)\b"
)
_MAX_HOPS = 5  # from where a class is named to where it is written


# ---------------------------------------------------------------- named
def secrets_of(
    plans: Mapping[str, AgentPlan], skills: Iterable[SkillEntry] = ()
) -> tuple[Secret, ...]:
    """The environment variables that workers must be given.

    They are what arguments called ``..._env`` and mappings called ``secret_headers`` name, also by
    default where the agent says nothing, and what skills are granted.

    Args:
        plans: The agents, by name.
        skills: The skills that they may use.
    """
    users: dict[str, list[str]] = {}
    for agent, plan in sorted(plans.items()):
        for place, text in texts_of(plan):
            if _names_variable(place) and _VARIABLE.fullmatch(text):
                users.setdefault(text, []).append(f"{place} of {agent}")
        for providers in plan.resource_providers.values():
            for one in providers.values():
                for argument, name in _defaults(one):
                    users.setdefault(name, []).append(f"resources.{one.name}.{argument} of {agent}")
    for skill in skills:
        for name in skill.environment:
            users.setdefault(name, []).append(f"skill {skill.name}")
    return tuple(
        Secret(name=name, used_by=", ".join(dict.fromkeys(users[name]))) for name in sorted(users)
    )


def _names_variable(place: Place) -> bool:
    if place.is_told:
        return False
    name = next((one for one in reversed(place.names) if not one.isdigit()), "")
    return name.endswith(_ENV) or "secret_headers" in place.names[:-1]


def _defaults(provider: ResourceProvider) -> Iterator[tuple[str, str]]:
    """The variables that a resource's class names where the agent does not say."""
    if provider.target is None:
        return
    module, _, name = provider.target.partition(":")
    said: dict[str, str | None] = {}
    for argument, variable in _said_by(_definition(module, name, _MAX_HOPS), _MAX_HOPS):
        said.setdefault(argument, variable)  # what a class says counts before what its bases say
    for argument, found in said.items():
        if found is not None and argument not in provider.arguments and _VARIABLE.fullmatch(found):
            yield argument, found


@dataclass(frozen=True, slots=True)
class _Written:
    """A class or function as it is written, and the module that it stands in."""

    node: ast.ClassDef | ast.FunctionDef
    module: str
    tree: ast.Module


def _definition(module: str, name: str, hops: int) -> _Written | None:
    """A class or function by its name; its module is read, and not run."""
    path = _source(module)
    if path is None or hops == 0 or "." in name:
        return None
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == name:
            return _Written(node, module, tree)
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    package = module.split(".")
                    if node.level:
                        up = node.level - (path.name == "__init__.py")
                        package = package[: len(package) - up]
                    base = package if node.level else []
                    home = ".".join([*base, *filter(None, [node.module])])
                    return _definition(home, alias.name, hops - 1)
    return None


def _source(module: str) -> Path | None:
    top, *below = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if not below:
        return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    for place in spec.submodule_search_locations or ():
        for inner in (Path(*below, "__init__.py"), Path(*below).with_suffix(".py")):
            if (Path(place) / inner).is_file():
                return Path(place) / inner
    return None


def _said_by(found: _Written | None, hops: int) -> Iterator[tuple[str, str | None]]:
    """The parameters and fields called ``..._env``, and their defaults, where those are texts.

    Those of a class come before those of its bases.
    """
    if found is None or hops == 0:
        return
    for name, value in _defaults_of(found.node):
        if name.endswith(_ENV):
            yield name, _text(value, found.tree)
    for base in found.node.bases if isinstance(found.node, ast.ClassDef) else ():
        if isinstance(base, ast.Name):
            yield from _said_by(_definition(found.module, base.id, hops), hops - 1)


def _defaults_of(node: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    """The fields of a class and the parameters of a function, with their defaults."""
    if isinstance(node, ast.ClassDef):
        for one in node.body:
            if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
                yield one.target.id, one.value
            elif isinstance(one, ast.FunctionDef) and one.name == "__init__":
                yield from _defaults_of(one)
    elif isinstance(node, ast.FunctionDef):
        given = node.args
        plain = [*given.posonlyargs, *given.args]
        with_default = plain[len(plain) - len(given.defaults) :]
        pairs = [*zip(with_default, given.defaults, strict=True)]
        for argument, value in [*pairs, *zip(given.kwonlyargs, given.kw_defaults, strict=True)]:
            yield argument.arg, value


def _text(value: ast.expr | None, tree: ast.Module) -> str | None:
    """A text that is written out, or a constant of the module that is one."""
    if isinstance(value, ast.Name):
        said = [
            one.value
            for one in tree.body
            if isinstance(one, ast.Assign)
            and any(isinstance(to, ast.Name) and to.id == value.id for to in one.targets)
        ]
        value = said[-1] if said else None
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return value.value
    return None


# ---------------------------------------------------------------- held
def held_secrets(
    plans: Mapping[str, AgentPlan], files: Iterable[CodeFile], settings: BundleSettings
) -> list[str]:
    """What looks like a secret and would travel: each with its place, and never its value.

    Args:
        plans: The agents, by name.
        files: The job's own files.
        settings: What the project says; of its ``not_secret``, what is none.
    """
    known = frozenset(settings.not_secret)
    found: dict[str, str] = {}
    for agent, plan in sorted(plans.items()):
        for place, text in texts_of(plan):
            why = _held(place, text)
            if why and str(place) not in known:
                found[f"{place} of {agent} {why}"] = _said_in_plan(place)
    for name, value in sorted(settings.flink.items()):
        if (_is_telling(name, value) or _has_form(value)) and f"flink.{name}" not in known:
            found[f"flink.{name} in [tool.agents.bundle] holds what looks like a secret"] = (
                "give it to the cluster, in Flink's own configuration; if it is none: "
                f'not-secret = ["flink.{name}"]'
            )
    for file in files:
        shown = file.path.removeprefix(f"{APP}/")
        if shown not in known:
            for line in _lines_with_secrets(file):
                found[f"{shown}, line {line}, holds what looks like a secret"] = (
                    "take it from the environment; if it is none, write "
                    f'"{NOT_SECRET}" on that line, or: not-secret = ["{shown}"] in '
                    "[tool.agents.bundle]"
                )
    return [f"{text}\n  next: {then}" for text, then in found.items()]


def _held(place: Place, text: str) -> str | None:
    if _has_form(text):
        return "holds what looks like a secret"
    if place.is_told:
        return None
    if _names_variable(place):
        right = _VARIABLE.fullmatch(text) or not text
        return None if right else "must be the name of an environment variable, and is none"
    names = [one for one in place.names if not one.isdigit()]
    if names and _is_telling(names[-1], text):
        return "holds a literal, and its name says that it is a secret"
    return None


def _said_in_plan(place: Place) -> str:
    name = next((one for one in reversed(place.names) if not one.isdigit()), "")
    argument = name if name.endswith(_ENV) else f"{name.replace('-', '_').lower()}{_ENV}"
    header = any("header" in one for one in place.names[:-1])
    way = "secret_headers=" if header else f'{argument}="NAME"'
    return (
        f"name an environment variable instead, such as {way}; if it is no secret: "
        f'not-secret = ["{place}"] in [tool.agents.bundle]'
    )


def _is_telling(name: str, value: str) -> bool:
    """Whether a name says that a text is a secret, and the text may be one."""
    plain = _CAMEL.sub("_", name).lower()
    if not value.strip() or _ELSEWHERE.search(plain):
        return False
    # An address is a secret only with a password in it, and that is told by its form.
    return not _ADDRESS.match(value) and _TELLING.search(plain) is not None


def _holds_password(text: str) -> bool:
    return any(map(_is_password_of, _URL.finditer(text)))


def _has_form(text: str) -> bool:
    return SECRET.search(text) is not None or _holds_password(text)


def _lines_with_secrets(file: CodeFile) -> Iterator[int]:
    suffix = Path(file.path).suffix.lower()
    if suffix not in _READ:
        return
    try:
        with file.source.open("rb") as opened:
            text = opened.read(_MAX_READ).decode("utf-8", "replace")
    except OSError:
        return  # told where it is packed
    # Over the whole text: a private key has lines of its own.
    ways = [(_FORMS, SECRET.finditer(text)), (_AT, filter(_is_password_of, _URL.finditer(text)))]
    if suffix not in _PROSE:
        assigned = ASSIGNED.finditer(text.replace('":', " :"))
        ways.append((_NAMES, filter(_is_random, assigned)))
    # To look for a few words first is a hundred times quicker on data that has none of them.
    low = text.lower()
    hits = [
        one
        for words, found in ways
        if any(map(low.__contains__, words))
        for one in islice(found, _MAX_HITS)
    ]
    starts = [0, *(one.end() for one in re.finditer("\n", text))]
    lines = sorted({bisect_right(starts, one.start()) for one in hits})
    told = (one for one in lines if NOT_SECRET not in _line(text, starts[one - 1]))
    yield from islice(told, _MAX_TOLD)


def _line(text: str, start: int) -> str:
    end = text.find("\n", start)
    return text[start:] if end < 0 else text[start:end]


def _is_password_of(address: re.Match[str]) -> bool:
    return not _PLACEHOLDER.search(address[0])


def _is_random(assigned: re.Match[str]) -> bool:
    value = assigned[2]
    mixed = re.search(r"\d", value) and re.search(r"[A-Za-z]", value)
    return bool(mixed) and not _PLACEHOLDER.search(value)
