"""The git program, run so that neither a repository nor an address can make it do more.

What is asked of it is refs, one commit without history, and the bytes of its files. Nothing is
checked out: no hook, filter, link or submodule of a repository is ever looked at by git. People's
own settings stay, because they hold how they log in.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from headrace_registry.errors import DownloadError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["MAX_PACK", "SECONDS", "Git", "GitFailedError"]

SECONDS = 300.0
"""How long one call of git may take."""
MAX_PACK = 512 * 1024**2
"""Bytes of the largest file that git may write."""
MAX_MEMORY = 2 * 1024**3
"""Bytes of memory that a process of git may take: an answer may have no end."""
MAX_TEXT = 32 * 1024**2
"""Bytes of the longest list of refs or files that is read."""
_MAX_ERRORS = 64 * 1024

_SETTINGS = (
    "protocol.ext.allow=never",
    "core.hooksPath=/dev/null",
    "core.symlinks=false",
    "core.fsmonitor=false",
    "core.alternateRefsCommand=",
    "submodule.recurse=false",
    "fetch.recurseSubmodules=false",
    "fetch.fsckObjects=true",
    "transfer.fsckObjects=true",
    # Harmless, and frequent in old repositories.
    "fetch.fsck.zeroPaddedFilemode=ignore",
    "fetch.fsck.badTimezone=ignore",
    "fetch.fsck.missingSpaceBeforeDate=ignore",
    "fetch.unpackLimit=1",  # always one pack: its size is bounded
    "gc.auto=0",
    "maintenance.auto=false",
    "init.defaultBranch=main",
    "credential.interactive=false",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=30",
)
# Of the variables that git reads, those by which people log in and reach their servers.
_KEPT = re.compile(
    r"GIT_(SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|SSL_\w+|PROXY_\w+|HTTP_\w+"
    r"|CONFIG_(GLOBAL|SYSTEM|NOSYSTEM|COUNT|KEY_\d+|VALUE_\d+))"
)
_PROTOCOLS = {  # a user may have rewritten one to another (url.*.insteadOf)
    "https": "https:ssh",
    "http": "http:https:ssh",
    "ssh": "ssh:https",
    "file": "file",
}


class GitFailedError(SourceError):
    """Git ended with an error; ``told`` is what it said."""

    def __init__(self, message: str, told: str = "") -> None:
        super().__init__(message)
        self.told = told


@dataclass(frozen=True, slots=True)
class Git:
    """Git in an empty repository of its own."""

    folder: Path
    """The repository, a bare one."""
    url: str
    """What it fetches from."""
    program: str = field(repr=False)
    environment: dict[str, str] = field(repr=False)

    @classmethod
    def prepared(cls, folder: Path, url: str) -> Git:
        """Make the repository.

        Raises:
            SourceError: There is no git on this machine.
        """
        program = shutil.which("git")
        if program is None:
            raise SourceError(
                f"{url} is a git repository, and there is no git on this machine\n"
                "  next: install git, or download the folder and name that"
            )
        scheme = url.partition(":")[0]
        git = cls(folder, url, program, _environment(scheme))
        git.run("init", "--quiet", "--bare", "--template=", "--", str(folder))
        return git

    def run(self, *arguments: str, limit: int = MAX_TEXT) -> bytes:
        """Run a command to its end; give what it printed.

        Raises:
            SourceError: It failed, took too long, or printed more than the limit.
        """
        with self.reading(*arguments) as output:
            data = output.read(limit + 1)
            if len(data) > limit:
                raise SourceError(
                    f"{self.url} has more names than are read ({limit // 1024**2} MB)\n"
                    "  next: name a folder in it, with #subdirectory=DIR"
                )
            return data

    @contextmanager
    def reading(
        self, *arguments: str, given: IO[bytes] | int = subprocess.DEVNULL
    ) -> Iterator[IO[bytes]]:
        """Run a command, and read what it prints in the block.

        Raises:
            SourceError: It failed, or took too long.
        """
        command = [self.program, f"--git-dir={self.folder}"]
        for one in _SETTINGS:
            command += ["-c", one]
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(  # noqa: S603 - git; refs and addresses were checked
                [*command, *arguments],
                stdin=given,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=self.environment,
                start_new_session=True,  # no terminal to ask on; ended with all it started
                preexec_fn=_bounded,  # noqa: PLW1509 - system calls only
            )
            late = threading.Event()
            timer = threading.Timer(SECONDS, _end, (process, late))
            timer.start()
            try:
                assert process.stdout is not None  # noqa: S101 - for types
                with process.stdout as output:
                    yield output
                    output.read(1)  # its end
            except BaseException:
                _end(process)
                if late.is_set():  # then what went wrong is that it was ended
                    raise _too_slow(self.url) from None
                raise
            finally:
                process.wait()  # what it started beside (a credential cache) may stay
                timer.cancel()
                timer.join()  # the next process is forked without another thread about
            if late.is_set():
                raise _too_slow(self.url)
            if process.returncode:
                errors.seek(0)
                told = errors.read(_MAX_ERRORS).decode("utf-8", "replace")
                raise _failure(self.url, process.returncode, told)


def _too_slow(url: str) -> DownloadError:
    return DownloadError(f"{url}: git took longer than {SECONDS:.0f} s\n  next: try again")


def _bounded() -> None:
    # Not of addresses (RLIMIT_AS): credential helpers may reserve more than there is.
    for what, most in ((resource.RLIMIT_FSIZE, MAX_PACK), (resource.RLIMIT_DATA, MAX_MEMORY)):
        hard = resource.getrlimit(what)[1]  # it may have less, and cannot have more
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (limit, limit))


def _end(process: subprocess.Popen[bytes], late: threading.Event | None = None) -> None:
    if late is not None:
        late.set()
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _environment(scheme: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or _KEPT.fullmatch(name)
    }
    return {
        **kept,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ALLOW_PROTOCOL": _PROTOCOLS.get(scheme, "https"),
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GCM_INTERACTIVE": "never",
        "SSH_ASKPASS_REQUIRE": "never",
        "LC_ALL": "C",
        "LANGUAGE": "",
    }


@dataclass(frozen=True, slots=True)
class _Trouble:
    """What git says when something is the matter, and what that means."""

    says: str
    why: str
    then: str = ""


_TROUBLES = (
    _Trouble(
        says=r"Authentication failed|could not read (Username|Password)|terminal prompts disabled|"
        r"Permission denied \(|Host key verification failed|returned error: 40[13]",
        why="it asks for a login, and was given none that it takes",
        then="log in to it with git (git ls-remote {url}), then type the same once more",
    ),
    _Trouble(
        says=r"Could not resolve host|Failed to connect|Connection (refused|reset|timed out)|"
        r"Couldn't connect|Network is unreachable|Operation too slow|timed out|SSL|certificate",
        why="it cannot be reached",
        then="look at the address, the network and the proxy: git ls-remote {url}",
    ),
    _Trouble(
        says="dubious ownership",
        why="its folder belongs to another user",
        then="git config --global --add safe.directory PATH, if you trust it",
    ),
    _Trouble(
        says=r"not appear to be a git repository|[Rr]epository .*not found|does not exist|"
        r"returned error: 404|No such file or directory|not valid: is this a git",
        why="there is no repository at that address",
        then="look at the address; where a folder is meant, name it ./FOLDER",
    ),
    _Trouble(
        says=r"couldn't find remote ref|not our ref|unadvertised object|no such remote ref",
        why="it has no such commit, or does not give it out by its number",
        then="name a branch or a tag of it",
    ),
    _Trouble(
        says=r"fsck error|has(Dot|Dotdot|Dotgit)\b|badTree|fullPathname|gitmodules|treeNotSorted|"
        "duplicateEntries|nullSha1|emptyName",
        why="git refuses what it holds: names or objects that no honest repository has",
    ),
    _Trouble(
        says=r"File too large|signal 25|invalid index-pack output|[Oo]ut of memory|curl 23|"
        "Failed writing|malloc failed",
        why=f"it is larger than {MAX_PACK // 1024**2} MB",
        then="download the folder that is meant, and name that",
    ),
)


def _failure(url: str, code: int, told: str) -> SourceError:
    if code == -signal.SIGXFSZ:
        told = "File too large"
    trouble = next(
        (one for one in _TROUBLES if re.search(one.says, told)), _Trouble("", "git cannot read it")
    )
    lines = [line for line in told.splitlines() if re.match(r"(fatal|error|remote|ERROR):", line)]
    said = "".join(one if one.isprintable() else "?" for one in (lines or [""])[0][:300])
    text = f"{url}: {trouble.why}"
    if said:
        text += f"\n  why:   git says: {said}"
    if trouble.then:
        text += f"\n  next:  {trouble.then.replace('{url}', url)}"
    return GitFailedError(text, told)
