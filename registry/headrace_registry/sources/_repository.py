"""One commit of a git repository: found by its reference, fetched alone, read file by file."""

from __future__ import annotations

import re
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headrace_registry.errors import SourceError
from headrace_registry.sources._carriers import MAX_FILES, Writer, check_path, check_size
from headrace_registry.sources._git import Git, GitFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from headrace_registry.sources._specs import GitSpec

__all__ = ["GitTree", "open_repository"]

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORT = re.compile(r"[0-9a-f]{7,39}")
_OWN = "refs/headrace/it"
_LISTED = re.compile(rb"(\d{6}) (\w+) ([0-9a-f]+) +(\d+|-)\t(.*)", re.DOTALL)
_LINK, _RUNS = "120000", "100755"


@dataclass(frozen=True, slots=True)
class _Blob:
    name: str
    mode: str
    size: int


class GitTree:
    """The files of a commit."""

    def __init__(self, git: Git, commit: str, blobs: Mapping[str, _Blob]) -> None:
        self._git = git
        self._blobs = blobs
        self.commit = commit
        self.label = git.url
        self.files = {path: blob.size for path, blob in blobs.items()}

    def write(self, paths: Mapping[str, str], into: Path) -> None:
        """Write files.

        Args:
            paths: For a path of the commit, the path that it shall have in the folder.
            into: The folder, a new one.

        Raises:
            SourceError: One cannot be written, or all are too large.
        """
        check_size((self.files[path] for path in paths), self.label)
        writer = Writer(into, self.label)
        with tempfile.TemporaryFile() as asked:
            for path in paths:
                asked.write(f"{self._blobs[path].name}\n".encode())
            asked.seek(0)
            with self._git.reading("cat-file", "--batch", given=asked) as output:
                for path, name in paths.items():
                    blob = self._blobs[path]
                    head = output.readline(200).split()
                    if head != [blob.name.encode(), b"blob", str(blob.size).encode()]:
                        raise SourceError(f"{self.label}: its {path!r} cannot be read")
                    data = output.read(blob.size)
                    output.read(1)
                    if blob.mode == _LINK:
                        writer.link(name, data)
                    else:
                        writer.file(name, data, executable=blob.mode == _RUNS)
        writer.finish()


@contextmanager
def open_repository(spec: GitSpec) -> Iterator[GitTree]:
    """Fetch the commit that a spec names, and no other.

    Raises:
        SourceError: There is no such repository or reference, it asks for a login, or it is too
            large.
    """
    with tempfile.TemporaryDirectory(prefix="headrace-git-") as folder:
        git = Git.prepared(Path(folder) / "it.git", spec.url)
        ref = _remote_ref(git, spec.ref)
        git.run(
            *("fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules"),
            *("--no-write-fetch-head", "--end-of-options", spec.url, f"+{ref}:{_OWN}"),
        )
        try:
            commit = git.run("rev-parse", "--verify", f"{_OWN}^{{commit}}")
        except GitFailedError:
            raise SourceError(f"{spec.url}: {spec.ref!r} is no commit") from None
        name = commit.decode().strip()
        yield GitTree(git, name, _listed(git, name, spec.subdirectory))


def _remote_ref(git: Git, ref: str | None) -> str:
    """The full name of a reference, or the commit."""
    if ref is None:
        return "HEAD"
    if _COMMIT.fullmatch(ref):
        return ref
    wanted = [ref] if ref.startswith("refs/") else [f"refs/tags/{ref}", f"refs/heads/{ref}"]
    told = git.run("ls-remote", "--quiet", "--end-of-options", git.url, *wanted)
    there = _refs(told)
    found = [one for one in wanted if one in there]
    if len(found) == 1:
        return found[0]
    if found:
        raise SourceError(
            f"{git.url} has a branch {ref!r} and a tag {ref!r}\n"
            f"  next: name one of them, as @{' or @'.join(found)}"
        )
    raise _no_such(git, ref)


def _no_such(git: Git, ref: str) -> SourceError:
    from difflib import get_close_matches

    if _SHORT.fullmatch(ref):
        return SourceError(
            f"{git.url} has no branch or tag {ref!r}\n"
            "  next: where a commit is meant, give all of its 40 digits"
        )
    told = _refs(git.run("ls-remote", "--quiet", "--heads", "--tags", "--refs", git.url))
    names = [one.split("/", 2)[2] for one in told if one.count("/") > 1]
    near = get_close_matches(ref, names, n=3, cutoff=0.5)
    have = ", ".join((near or sorted(names))[:10]) or "none at all"
    return SourceError(
        f"{git.url} has no branch or tag {ref!r}\n"
        f"  next: {'did you mean ' + ' or '.join(near) + '?' if near else 'it has ' + have}"
    )


def _refs(told: bytes) -> dict[str, str]:
    rows = (line.split("\t", 1) for line in told.decode("utf-8", "replace").splitlines())
    return {row[1]: row[0] for row in rows if len(row) == 2 and row[1].isprintable()}  # noqa: PLR2004


def _listed(git: Git, commit: str, below: str) -> dict[str, _Blob]:
    told = git.run(
        *("ls-tree", "-r", "-z", "--long", "--full-tree", "--end-of-options", commit),
        *(("--", below) if below else ()),
    )
    found: dict[str, _Blob] = {}
    for row in told.split(b"\0")[:-1]:
        match = _LISTED.fullmatch(row)
        if match is None or match[2] != b"blob":
            continue  # a submodule: another repository, which nobody named
        path = check_path(match[5], git.url)
        if path is not None:
            found[path] = _Blob(match[3].decode(), match[1].decode(), int(match[4]))
        if len(found) > MAX_FILES:
            raise SourceError(
                f"{git.url} has more than {MAX_FILES:,} files\n"
                "  next: name a folder in it, with #subdirectory=DIR"
            )
    return found
