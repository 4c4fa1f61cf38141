"""What is typed to say where something comes from, taken apart.

A text is a path only if it looks like one: ``tides`` is the name of a package, whatever folders
there are; ``./tides`` is a folder.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, unquote, urlsplit, urlunsplit

from packaging.requirements import InvalidRequirement, Requirement

from headrace_registry.errors import SourceError
from headrace_registry.settings import without_credentials

if TYPE_CHECKING:
    from urllib.parse import SplitResult

__all__ = [
    "SHORT_HOST",
    "FolderSpec",
    "GitSpec",
    "NameSpec",
    "Spec",
    "WheelSpec",
    "ZipSpec",
    "parse_spec",
]

SHORT_HOST = "https://github.com"
"""Where ``owner/repo`` is."""

_WHEEL, _ZIPS = ".whl", (".zip", ".skill")
_SCHEMES = ("https", "http", "ssh", "file")
_SHORT = re.compile(
    r"(?P<owner>[A-Za-z0-9](?:[A-Za-z0-9-]{0,38}))/(?P<repo>[A-Za-z0-9_.-]{1,100}?)"
    r"(?:@(?P<ref>[^@/\s]+))?(?P<below>(?:/[^@\s]*)?)(?:@(?P<late>[^@\s]+))?"
)
_SCP = re.compile(r"(?:git\+)?(?P<user>[\w.-]+)@(?P<host>[\w.-]+):(?P<path>[^\s:]+)")
# What git takes as a name of a branch, a tag or a commit, and none of its shorthands.
_REF = re.compile(r"(?!/)(?![-.])[A-Za-z0-9_./+@=%,#-]*[A-Za-z0-9_+%=-]")
# What the addresses of forges have between the repository and the reference.
_FORGES = (
    ("-", "tree"),
    ("-", "blob"),
    ("tree",),
    ("blob",),
    ("src", "branch"),
    ("src", "tag"),
    ("src", "commit"),
    ("src",),
)
_MAX = 2_000


@dataclass(frozen=True, slots=True)
class NameSpec:
    """A package, or a skill, of a registry or of the index."""

    requirement: Requirement
    """What is asked for."""

    def __str__(self) -> str:
        return str(self.requirement)


@dataclass(frozen=True, slots=True)
class WheelSpec:
    """A wheel on this machine."""

    path: Path
    """The file."""

    def __str__(self) -> str:
        return _path_text(self.path)


@dataclass(frozen=True, slots=True)
class FolderSpec:
    """A folder: a skill, skills, or a Python project."""

    path: Path
    """The folder."""
    subdirectory: str = ""
    """The folder in it that is meant; empty: all of it."""

    def __str__(self) -> str:
        return _path_text(self.path / self.subdirectory)


@dataclass(frozen=True, slots=True)
class ZipSpec:
    """A zip of a skill or of skills."""

    path: Path
    """The file."""
    subdirectory: str = ""
    """The folder in it that is meant; empty: all of it."""

    def __str__(self) -> str:
        return _path_text(self.path) + _fragment(self.subdirectory)


@dataclass(frozen=True, slots=True)
class GitSpec:
    """A repository."""

    url: str
    """Its address, without ``git+``, reference and credentials."""
    ref: str | None = None
    """A branch, a tag or a commit; ``None``: the repository's own choice."""
    subdirectory: str = ""
    """The folder in it that is meant; empty: all of it."""

    def __str__(self) -> str:
        parts = urlsplit(self.url)
        # An @ in the path would be taken for the one before the reference.
        url = urlunsplit(parts._replace(path=parts.path.replace("@", "%40")))
        ref = f"@{quote(self.ref, safe='/+=,')}" if self.ref else ""
        return f"git+{url}{ref}{_fragment(self.subdirectory)}"


Spec = NameSpec | WheelSpec | FolderSpec | ZipSpec | GitSpec


def parse_spec(text: str, *, folder: Path | None = None) -> Spec:
    """Tell what a text means; nothing is opened, and no network is used.

    Args:
        text: A name or requirement, a path, ``git+https://...@REF#subdirectory=DIR``, the address
            of a repository or of a folder in one on the web, or ``owner/repo[@REF][/DIR]``.
        folder: Where relative paths are seen from; the working folder if None.

    Raises:
        SourceError: It means nothing, or holds what must not be there; says what to type.
    """
    said = text.strip()
    if not said:
        raise SourceError("nothing was named\n  next: give a name, a path, or git+https://...")
    if len(said) > _MAX or not said.isprintable():
        raise SourceError(f"{said[:80]!r} is over-long, or has characters that are not seen")
    if said.startswith("-"):
        raise SourceError(f"{said[:80]!r} looks like an option, and is the name of nothing")
    for reader in (_git, _web, _path, _short):
        found = reader(said, folder or Path())
        if found is not None:
            return found
    return _named(said, folder)


def _named(said: str, folder: Path | None) -> Spec:
    try:
        requirement = Requirement(said)
    except InvalidRequirement as error:
        why = str(error).splitlines()[0]
        raise SourceError(
            f"{said!r} is no name, path or address: {why}\n"
            "  next: log-triage, 'log-triage>=1.2,<2', ./folder, a.whl, a.zip,\n"
            "        git+https://HOST/REPO@REF#subdirectory=DIR, or owner/repo"
        ) from None
    if requirement.url is None:
        return NameSpec(requirement)
    if not requirement.url.startswith("git+"):
        raise SourceError(
            f"{requirement.name} is asked for from {without_credentials(requirement.url)}, and "
            "files are not fetched by their address\n"
            "  next: download it, look at it, and name the file"
        )
    return parse_spec(requirement.url, folder=folder)


def _git(said: str, _: Path) -> Spec | None:
    scp = _SCP.fullmatch(said)
    if scp is not None and "://" not in said:
        raise SourceError(
            f"{said!r} is git's short form of an address\n"
            f"  next: git+ssh://{scp['user']}@{scp['host']}/{scp['path']}"
        )
    if not said.startswith("git+"):
        return None
    parts = _split(said.removeprefix("git+"))
    if parts.scheme not in _SCHEMES:
        raise SourceError(
            f"{said[:80]!r} has the scheme {parts.scheme!r}\n"
            f"  next: one of {', '.join(f'git+{one}://' for one in _SCHEMES)}"
        )
    _check_login(parts)
    path, at, ref = parts.path.rpartition("@")
    if not at:
        path, ref = parts.path, ""
    if not path.strip("/") or (parts.scheme != "file" and not parts.hostname):
        raise SourceError(f"{said[:80]!r} names no repository")
    if parts.query:
        raise SourceError(f"{said[:80]!r} has a '?': leave it and what follows out")
    url = urlunsplit((parts.scheme, parts.netloc, path, "", ""))
    return GitSpec(url, _ref(unquote(ref)) if at else None, _subdirectory(parts.fragment))


def _web(said: str, _: Path) -> Spec | None:
    """An address as it is copied from a browser."""
    if not said.startswith(("https://", "http://", "ssh://", "file://")):
        return None
    parts = _split(said)
    _check_login(parts)
    if parts.path.endswith((_WHEEL, *_ZIPS)):
        raise SourceError(
            f"{without_credentials(said)} is a file on the web, and files are not fetched by "
            "their address\n  next: download it, look at it, and name the file"
        )
    names = [unquote(one) for one in parts.path.strip("/").split("/")]
    for marker in _FORGES:
        behind = len(marker)
        for at in range(2, len(names) - behind):
            if tuple(names[at : at + behind]) == marker:
                repository = "/".join(names[:at])
                url = urlunsplit((parts.scheme, parts.netloc, f"/{repository}", "", ""))
                below = _below("/".join(names[at + behind + 1 :]))
                return GitSpec(url, _ref(names[at + behind]), below)
    return _git(f"git+{said.rstrip('/')}", Path())


def _path(said: str, folder: Path) -> Spec | None:
    path, _, fragment = said.partition("#")
    if "://" in path:
        return None
    suffix = PurePosixPath(path).suffix.lower()
    looks_so = path in (".", "..") or path.startswith(("./", "../", "/", "~/"))
    try:
        place = Path(path).expanduser()
    except RuntimeError:  # there is no home
        place = Path(path)
    if suffix == _WHEEL and not fragment:
        return WheelSpec(place)
    if suffix in _ZIPS:
        return ZipSpec(place, _subdirectory(fragment))
    if fragment or not (looks_so or ("/" in path and _is_there(folder / place))):
        return None
    if place.name in ("SKILL.md", "skill.md"):
        place = place.parent
    if (folder / place).is_file():
        raise SourceError(f"{path} is a file, and no wheel or zip by its name")
    return FolderSpec(place)


def _short(said: str, _: Path) -> Spec | None:
    match = _SHORT.fullmatch(said)
    if match is None:
        return None
    ref = match["ref"] or match["late"]
    if match["ref"] and match["late"]:
        raise SourceError(f"{said!r} has two references")
    url = f"{SHORT_HOST}/{match['owner']}/{match['repo']}"
    return GitSpec(url, _ref(ref) if ref else None, _below(match["below"].strip("/")))


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise SourceError(f"{text[:80]!r} is no address: {error}") from None
    return parts


def _check_login(parts: SplitResult) -> None:
    login, at, host = parts.netloc.rpartition("@")
    if host.startswith("-") or login.startswith("-"):
        raise SourceError(f"the host {host[:80]!r} looks like an option")
    if not at or (parts.scheme == "ssh" and ":" not in login):
        return
    raise SourceError(
        f"the address of {host} holds a login, which would end up in the project's files\n"
        "  next: leave it out; git asks its credential helper (git config credential.helper), or "
        "take git+ssh://"
    )


def _ref(text: str) -> str:
    if not _REF.fullmatch(text) or ".." in text or "@{" in text or "//" in text:
        raise SourceError(f"{text[:80]!r} is no name of a branch, a tag or a commit")
    return text


def _subdirectory(fragment: str) -> str:
    if not fragment:
        return ""
    fields = parse_qs(fragment, keep_blank_values=True)
    fields.pop("egg", None)  # what pip took once
    if set(fields) != {"subdirectory"} or len(fields["subdirectory"]) != 1:
        raise SourceError(f"{'#' + fragment[:80]!r} must be #subdirectory=DIR")
    return _below(fields["subdirectory"][0])


def _below(path: str) -> str:
    parts = [one for one in path.split("/") if one not in ("", ".")]
    if path.startswith("/") or "\\" in path or ".." in parts:
        raise SourceError(f"{path[:80]!r} is no folder within the source")
    if parts and parts[-1] in ("SKILL.md", "skill.md"):
        parts.pop()
    return "/".join(parts)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _fragment(subdirectory: str) -> str:
    return f"#subdirectory={quote(subdirectory, safe='/')}" if subdirectory else ""


def _path_text(path: Path) -> str:
    text = path.as_posix()
    plain = path.is_absolute() or text == "." or text.startswith("..")
    return text if plain else f"./{text}"
