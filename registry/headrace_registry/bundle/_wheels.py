"""The wheels that go into a zip, as files that are what the lock says."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from headrace_registry._side_by_side import side_by_side
from headrace_registry.catalogue import ReleaseFile
from headrace_registry.errors import BundleError, OfflineError
from headrace_registry.settings import VENDOR, RegistrySettings
from headrace_registry.wheels import file_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from headrace_registry.http import Remote
    from headrace_registry.locking.install_plan import Step

    class Client(Protocol):
        """What fetches a registry's wheels: ``headrace_registry.client.RegistryClient``."""

        def fetch(self, package: str, file: ReleaseFile) -> Path:
            """A wheel, checked, as a file."""


__all__ = ["WheelSource"]

MAX_WHEEL = 2 * 1024**3
"""The largest wheel that is fetched where its size is not known, in bytes."""
_AT_ONCE = 4


class WheelSource:
    """Gives the wheels of a lock: of the registries, of ``vendor/``, of the package index.

    Args:
        project: The project's folder, which ``vendor/`` is in.
        clients: What fetches the registries' wheels, by name.
        cache: Where wheels are kept, below ``wheels/``.
        offline: Use no network.
        progress: Is told of bytes: how many are there, and how many there are to be.
    """

    def __init__(
        self,
        project: Path,
        clients: Mapping[str, Client],
        cache: Path,
        *,
        offline: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._project = project
        self._clients = clients
        self._cache = cache
        self._offline = offline
        self._progress = progress
        self._remotes: dict[str, Remote] = {}
        self._got = self._total = 0
        self._counting = threading.Lock()

    def close(self) -> None:
        """Gives connections back."""
        for one in self._remotes.values():
            one.close()
        self._remotes.clear()

    def wheels(self, steps: Sequence[Step]) -> list[Path]:
        """The wheels of some packages, in their order.

        Raises:
            BundleError: One is not what was locked.
            DownloadError: One cannot be had.
        """
        self._total += sum(one.wheel.size or 0 for one in steps)
        return side_by_side(self._wheel, steps, _AT_ONCE)

    def _wheel(self, step: Step) -> Path:
        wheel = step.wheel
        client = self._clients.get(step.package.origin)
        if step.package.origin == VENDOR:
            path = self._vendored(step)
        elif client is not None:
            file = ReleaseFile(wheel.filename, wheel.size or 0, wheel.sha256, "", "")
            path = client.fetch(step.package.name, file)
        else:
            path = self._of_index(step)
        self._count(wheel.size or 0)
        return path

    def _vendored(self, step: Step) -> Path:
        path = self._project / (step.wheel.path or "")
        if not path.is_file() or file_digest(path) != step.wheel.sha256:
            said = "is not the one that was locked" if path.is_file() else "is missing"
            raise BundleError(
                f"{step.wheel.path} {said}\n"
                "  next: take it from where the lock came from, or: agents lock"
            )
        return path

    def _of_index(self, step: Step) -> Path:
        wheel = step.wheel
        url = urlsplit(wheel.url or "")
        if url.scheme == "file":
            path = Path(url2pathname(url.path))
            if not path.is_file() or file_digest(path) != wheel.sha256:
                raise _changed(step, str(path))
            return path
        path = self._cache / "wheels" / wheel.sha256[:2] / wheel.sha256 / wheel.filename
        if path.is_file():
            if file_digest(path) == wheel.sha256:
                return path
            path.unlink()
        if self._offline:
            raise OfflineError(
                f"{wheel.filename} is not in the cache\n  where: {path}\n"
                "  next: once without --offline"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-", delete=False) as file:
            fresh = Path(file.name)
            try:
                for piece in self._remote(f"{url.scheme}://{url.netloc}").read(
                    unquote(url.path).lstrip("/"), wheel.size or MAX_WHEEL
                ):
                    file.write(piece)
                file.flush()
                if file_digest(fresh) != wheel.sha256:
                    raise _changed(step, f"{url.scheme}://{url.netloc}{url.path}")
                fresh.replace(path)
            finally:
                fresh.unlink(missing_ok=True)
        return path

    def _remote(self, base: str) -> Remote:
        from headrace_registry.http import open_remote

        if base not in self._remotes:
            settings = RegistrySettings("index", base, None)
            self._remotes[base] = open_remote(settings, self._cache / "tls")
        return self._remotes[base]

    def _count(self, size: int) -> None:
        with self._counting:
            self._got += size
            if self._progress is not None:
                self._progress(self._got, self._total)


def _changed(step: Step, where: str) -> BundleError:
    return BundleError(
        f"the wheel of {step.package.name} {step.package.version} is not the one that was locked\n"
        f"  where: {where}\n  next: agents lock, and see what changes"
    )
