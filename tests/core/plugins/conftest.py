"""A folder of hand-written distributions, and a cache of the test's own."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from headrace.plugins import _cache, discover


class Site:
    """A folder as installers leave it, and what can be done to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def path(self) -> list[str]:
        return [str(self.folder)]

    def install(
        self,
        name: str,
        version: str = "1.0",
        points: dict[str, dict[str, str]] | str | None = None,
        *,
        requires: tuple[str, ...] = (),
        metadata: str | None = None,
        editable: bool | None = None,
        modules: dict[str, str] | None = None,
    ) -> Path:
        info = self.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
        lines += [f"Requires-Dist: {one}" for one in requires]
        text = "\n".join(lines) + "\n\nA description.\n" if metadata is None else metadata
        (info / "METADATA").write_text(text, encoding="utf-8")
        if points is not None:
            (info / "entry_points.txt").write_text(_points(points), encoding="utf-8")
        if editable is not None:
            (info / "direct_url.json").write_text(
                json.dumps({"url": "file:///src", "dir_info": {"editable": editable}})
            )
        for module, source in (modules or {}).items():
            (self.folder / f"{module}.py").write_text(source)
        return info

    def tool(self, distribution: str, name: str = "hammer", version: str = "1.0", **more) -> Path:
        points = {"headrace.tools": {name: "module:attribute"}}
        return self.install(distribution, version, points, **more)

    def remove(self, info: Path) -> None:
        shutil.rmtree(info)


def _points(points: dict[str, dict[str, str]] | str) -> str:
    if isinstance(points, str):
        return points
    return "\n".join(
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
        for group, entries in points.items()
    )


@pytest.fixture(autouse=True)
def cache_folder(tmp_path, monkeypatch):
    """Keep the cache in the test's folder, and the user's lists out of the test."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("HEADRACE_CACHE_DIR", str(folder))
    monkeypatch.delenv("HEADRACE_PLUGINS_ALLOW", raising=False)
    monkeypatch.delenv("HEADRACE_PLUGINS_BLOCK", raising=False)
    return folder / "plugins"


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path / "site")


@pytest.fixture
def other_site(tmp_path):
    return Site(tmp_path / "other")


@pytest.fixture
def aged(monkeypatch):
    """Let all files look ten seconds old to the cache, so that it is used."""
    monkeypatch.setattr(_cache, "_clock", lambda: time.time_ns() + 10_000_000_000)


@pytest.fixture
def keys():
    """List the keys of the plugins on a path, as the cache has them."""

    def listed(path, **more):
        return [one.plugin.key for one in discover(path=path, **more).list()]

    return listed
