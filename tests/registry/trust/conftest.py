"""A small site and a folder of keys."""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone

import pytest

from headrace_registry.settings import RegistrySettings
from headrace_registry.trust import KeySigner, create_keys


def sign(site, signer, now=None):
    """Signs a folder as it is, and writes what was signed; tells what that was."""
    found = [path for path in sorted(site.rglob("*")) if path.is_file()]
    files = {path.relative_to(site).as_posix(): path.read_bytes() for path in found}
    told = {
        name: (len(data), hashlib.sha256(data).hexdigest())
        for name, data in files.items()
        if not name.startswith("metadata/")
    }
    written = signer.sign(site, told, now or datetime.now(timezone.utc))
    for name, data in written.items():
        (site / name).parent.mkdir(exist_ok=True)
        (site / name).write_bytes(data)
    return list(written)


class Ours:
    """A site, its keys, and what its clients see."""

    def __init__(self, folder):
        self.site, self.keys = folder / "site", folder / "keys"
        (self.site / "files").mkdir(parents=True)
        (self.site / "catalogue.json").write_text("{}")
        (self.site / "files/a.whl").write_bytes(b"wheel")
        self.key = create_keys(self.keys)

    def sign(self, **more):
        return sign(self.site, KeySigner.from_folder(self.keys), **more)

    @property
    def registry(self):
        return RegistrySettings("main", self.site.as_uri(), self.key)

    def client(self, cache):
        """Brings a folder of metadata up to date, as a client does."""
        from headrace_registry.http import open_remote
        from headrace_registry.trust import update
        from headrace_registry.trust._verifying import first_root

        cache.mkdir(exist_ok=True)
        remote = open_remote(self.registry, cache)
        return update(self.registry, remote, cache, first_root(self.registry, remote))


@pytest.fixture(autouse=True)
def _no_password(monkeypatch):
    monkeypatch.delenv("HEADRACE_SIGNING_PASSWORD", raising=False)


@pytest.fixture
def ours(tmp_path):
    return Ours(tmp_path / "ours")
