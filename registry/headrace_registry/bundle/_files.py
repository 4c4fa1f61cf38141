"""Files that are taken into a job's zip: walked to without trust, judged by name, bounded."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from headrace_registry.errors import BundleError
from headrace_skills._confined import parts_of
from headrace_skills.errors import SkillPathError
from headrace_skills.packing._contents import why_left_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from headrace_registry.bundle.settings import BundleSettings

    How = Literal["package", "module", "chosen"]

__all__ = ["MAX_BYTES", "MAX_FILES", "CodeFile", "Files", "fits", "is_magic", "seen_from"]

MAX_FILES = 10_000
"""The files that a job's own code may have."""
MAX_BYTES = 200 * 1024**2
"""The bytes that they may have."""
_SECRETS = "it may hold secrets"
_TESTS = frozenset({"tests", "test", "conftest.py"})
_NATIVE = re.compile(r".*\.(so(\.\d+)*|pyd|dylib)")
_FOREIGN = re.compile(r".*\.pyd|.*\.dylib|.*[.-](darwin|win32|win_amd64|macosx).*")
_DATA = "(json|ya?ml|ini|toml|cfg|txt|csv|xml)"
_SECRET_NAME = re.compile(
    rf".*\.(p12|pfx|jks|keystore|ppk|kdbx)|id_dsa|\.pgpass|\.docker(cfg|configjson)|kubeconfig"
    rf"|(.*[-_.])?credentials?(\.{_DATA})?|client_secret.*\.json|service[-_]account.*\.json"
)
_HEAD = 64 * 1024  # of a .pem or .key file, to tell certificates from private keys


@dataclass(frozen=True, slots=True)
class CodeFile:
    """A file that travels."""

    path: str
    """Its path in the zip."""
    source: Path
    """Where it stands, with no link in the path."""
    executable: bool
    """Whether its owner may execute it."""
    why: str
    """What brought it in."""


class Files:
    """The files of a project that are taken, and what stands in the way of others.

    Args:
        project: The project's folder, absolute.
        root: The folder that its modules are imported from, absolute.
        settings: What the project says.
    """

    def __init__(self, project: Path, root: Path, settings: BundleSettings) -> None:
        self.taken: dict[str, CodeFile] = {}
        self.left_out: dict[str, str] = {}
        self.faults: list[str] = []
        self._project, self._root = project, root
        self._homes = tuple(dict.fromkeys((project.resolve(), root.resolve())))
        self._exclude = [one.split("/") for one in settings.exclude]
        self._exact = {one for one in settings.include if not is_magic(one)}
        self._bytes = 0

    def add(self, path: Path, app: str, why: str, how: How) -> None:
        """Takes a file, or a folder with all that is below it.

        Args:
            path: Where it stands.
            app: Its path in the zip.
            why: What brings it in.
            how: As a package, without its tests; as a module; or as what somebody chose. Code
                must not be compiled for one machine.

        Raises:
            BundleError: It is more than a zip may hold.
        """
        self._enter(path, app, why, how, ())

    def why_not(self, path: Path, *, tests: bool = False) -> str | None:
        """Why a file or folder stays behind, by its name; ``None`` where it comes."""
        if self.shown(path) in self._exact:
            return None
        if self.is_excluded(path):
            return "excluded"
        name = path.name
        if _SECRET_NAME.fullmatch(name) and not path.is_dir():
            return _SECRETS
        if tests and name in _TESTS:
            return "tests"
        reason = why_left_out(name)
        if reason is None and path.is_symlink():
            reason = why_left_out(path.resolve().name)
        if reason is None and (path / "pyvenv.cfg").is_file():
            return "a virtual environment"
        return reason

    def is_excluded(self, path: Path) -> bool:
        """Whether a glob of ``exclude`` fits a path, or a folder that it is in."""
        parts = PurePosixPath(self.shown(path)).parts
        return any(
            fits(parts[:count], pattern)
            for pattern in self._exclude
            for count in range(1, len(parts) + 1)
        )

    def matches(self, pattern: Sequence[str]) -> Iterator[Path]:
        """The files and folders of the project that a glob fits, in an order that stays."""
        fixed = next((at for at, part in enumerate(pattern) if is_magic(part)), len(pattern))
        waiting = [self._project.joinpath(*pattern[:fixed])]
        while waiting:
            folder = waiting.pop()
            try:
                names = sorted(os.listdir(folder))  # noqa: PTH208 - of names, to put them in order
            except OSError:
                continue
            for path in (folder / name for name in names):
                if fits(path.relative_to(self._project).parts, pattern):
                    yield path
                elif path.is_dir() and not path.is_symlink() and not self.why_not(path):
                    waiting.append(path)

    def shown(self, path: Path) -> str:
        """A path as seen from the project."""
        return seen_from(path, self._project, self._root, *self._homes) or str(path)

    def fault(self, text: str) -> None:
        """Notes what stands in the way, once."""
        if text not in self.faults:
            self.faults.append(text)

    # ------------------------------------------------------------ walking
    def _enter(self, path: Path, app: str, why: str, how: How, above: tuple[Path, ...]) -> None:
        shown = self.shown(path)
        reason = self.why_not(path, tests=how == "package")
        if reason == _SECRETS:
            self.fault(_secret(shown))
            return
        if reason:
            self.left_out[shown] = reason
            return
        if not _is_good_name(app):
            name = shown.encode("utf-8", "backslashreplace").decode()
            self.fault(
                f"{name!r} has a name that not every system can hold: a backslash, what is not "
                "printable or not UTF-8, or over-long"
            )
            return
        try:
            real = path.resolve(strict=True)
            info = real.lstat()
        except (OSError, RuntimeError):  # RuntimeError: links in a circle
            what = "is a link that leads to nothing" if path.is_symlink() else "cannot be read"
            self.fault(f"{shown} {what}: remove it, or exclude it")
            return
        if not any(real.is_relative_to(home) for home in self._homes):
            self.fault(
                f"{shown} is a link that leads out of the project: put the file there itself"
            )
        elif stat.S_ISREG(info.st_mode):
            self._file(real, shown, CodeFile(app, real, bool(info.st_mode & 0o100), why), how)
        elif not stat.S_ISDIR(info.st_mode):
            self.fault(f"{shown} is neither a file nor a folder: remove it, or exclude it")
        elif real in above:
            self.fault(f"{shown} is a link to a folder that it is in: remove it, or exclude it")
        else:
            self._folder(real, path, app, why, how, (*above, real))

    def _folder(
        self, real: Path, path: Path, app: str, why: str, how: How, above: tuple[Path, ...]
    ) -> None:
        try:
            names = sorted(os.listdir(real))  # noqa: PTH208 - of names, to put them in order
        except OSError as error:
            self.fault(f"{self.shown(path)} cannot be read: {error.strerror}")
            return
        for name in names:
            self._enter(path / name, f"{app}/{name}", why, how, above)

    def _file(self, real: Path, shown: str, file: CodeFile, how: How) -> None:
        exact = shown in self._exact
        if how != "chosen" and not exact and _NATIVE.fullmatch(real.name):
            if _FOREIGN.fullmatch(real.name):
                self.left_out[shown] = "compiled for another system"
            else:
                self.fault(_compiled(shown))
        elif not exact and _holds_key(real):
            self.fault(_secret(shown))
        elif not os.access(real, os.R_OK):
            self.fault(f"{shown} cannot be read: its permissions forbid it")
        else:
            self._take(shown, file)

    def _take(self, shown: str, file: CodeFile) -> None:
        before = self.taken.setdefault(file.path, file)
        if before is not file:
            if before.source != file.source:
                self.fault(
                    f"{self.shown(before.source)} and {shown} would both be {file.path} in the "
                    "zip\n  next: rename one of them"
                )
            return
        self._bytes += file.source.stat().st_size
        if len(self.taken) > MAX_FILES or self._bytes > MAX_BYTES:
            raise BundleError(self._too_much())

    def _too_much(self) -> str:
        sizes = {path: one.source.stat().st_size for path, one in self.taken.items()}
        largest = sorted(sizes, key=lambda one: (-sizes[one], one))[:5]
        listed = "\n".join(f"    {sizes[one] / 1024**2:,.1f} MB  {one}" for one in largest)
        return (
            f"the job's own files are more than {MAX_FILES:,}, or over {MAX_BYTES // 1024**2} MB; "
            f"the largest are:\n{listed}\n"
            "  next: leave out what the job does not need: exclude in [tool.agents.bundle]"
        )


def seen_from(path: Path, *homes: Path) -> str | None:
    """A path as seen from the first of some folders that it is in."""
    for home in homes:
        if path.is_relative_to(home):
            return path.relative_to(home).as_posix()
    return None


def is_magic(pattern: str) -> bool:
    """Whether a glob may fit several names."""
    return any(one in pattern for one in "*?[")


def fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether a path is what a glob names; ``**`` is any number of folders."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(fits(parts[count:], pattern[1:]) for count in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], pattern[0]) and fits(parts[1:], pattern[1:])


def _is_good_name(path: str) -> bool:
    try:
        parts_of(path)
    except SkillPathError:
        return False
    return path.isprintable()


def _holds_key(path: Path) -> bool:
    """Whether a file that may be a private key is one, or at least no certificate."""
    if path.suffix not in (".pem", ".key"):
        return False
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    public = b"BEGIN CERTIFICATE" in head or b"BEGIN PUBLIC KEY" in head
    return b"PRIVATE KEY" in head or (path.suffix == ".pem" and not public)


def _secret(shown: str) -> str:
    return (
        f"{shown} may hold secrets, and a zip is no place for them\n"
        "  next: exclude it in [tool.agents.bundle]; or, if it holds none, include it by exactly "
        "that path"
    )


def _compiled(shown: str) -> str:
    return (
        f"{shown} is compiled for one machine, and the zip may be for another\n"
        "  next: build a wheel of its package and add that: agents plugins add ./NAME.whl; or, if "
        "it fits the target, include it by exactly that path"
    )
