"""Registries and a package index made by hand: wheels, catalogues, files over loopback HTTP."""

from __future__ import annotations

import base64
import hashlib
import threading
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from headrace_registry.catalogue import Catalogue, Package, Release, ReleaseFile
from headrace_registry.errors import TrustError
from headrace_registry.locking import Wanted, flink_of
from headrace_registry.settings import ProjectSettings, RegistrySettings, Target

PY311 = Target("3.11", "linux/amd64")


def make_wheel(
    folder: Path,
    name: str,
    version: str,
    requires: tuple[str, ...] = (),
    *,
    tag: str = "py3-none-any",
    requires_python: str = "",
    extras: tuple[str, ...] = (),
    content: str = "",
) -> Path:
    """A wheel of one module, whose bytes depend on what is given alone."""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    metadata = [
        "Metadata-Version: 2.3",
        f"Name: {name}",
        f"Version: {version}",
        *(f"Requires-Dist: {one}" for one in requires),
        *(f"Provides-Extra: {one}" for one in extras),
        *([f"Requires-Python: {requires_python}"] if requires_python else []),
    ]
    files = {
        f"{module}.py": f"VERSION = {version!r}\n{content}",
        f"{info}/METADATA": "\n".join(metadata) + "\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = [
        f"{path},sha256={_digest64(text)},{len(text.encode())}" for path, text in files.items()
    ]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{module}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for one, text in files.items():
            archive.writestr(zipfile.ZipInfo(one), text)
    return path


def _digest64(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class _Quiet(SimpleHTTPRequestHandler):
    asked: list[str]

    def log_message(self, *_arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")  # pages change from one moment to the next
        super().end_headers()


@contextmanager
def served(folder: Path):
    """Files over HTTP; gives the address and the list of what was asked for."""
    asked: list[str] = []
    handler = type("Handler", (_Quiet,), {"asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Index:
    """A package index: ``add`` makes a wheel and its page."""

    folder: Path
    url: str = ""
    asked: list[str] = field(default_factory=list)

    def add(self, name: str, version: str, requires: tuple[str, ...] = (), **more: object) -> Path:
        place = self.folder / "files" / name
        wheel = make_wheel(place, name, version, requires, **more)
        self.pages(name)
        return wheel

    def pages(self, name: str) -> None:
        place = self.folder / "files" / name
        page = self.folder / "simple" / name
        page.mkdir(parents=True, exist_ok=True)
        links = "".join(
            f'<a href="../../files/{name}/{one.name}#sha256={sha256(one)}">{one.name}</a>\n'
            for one in sorted(place.iterdir())
        )
        (page / "index.html").write_text(f"<!DOCTYPE html><html><body>{links}</body></html>")

    @property
    def simple(self) -> str:
        return f"{self.url}/simple"


@dataclass
class Snapshot:
    """What ``headrace_registry.client`` makes, with the same attributes."""

    registry: RegistrySettings
    version: int
    catalogue: Catalogue
    digest: str

    def file_url(self, package: str, file: ReleaseFile) -> str:
        return f"{self.registry.url}/files/{package}/{file.filename}"


@dataclass
class Registry:
    """A registry: ``add`` makes a wheel and its place in the catalogue."""

    name: str
    folder: Path
    url: str = ""
    asked: list[str] = field(default_factory=list)
    releases: dict[tuple[str, str], Release] = field(default_factory=dict)
    reserved: dict[str, str] = field(default_factory=dict)
    version: int = 1

    def add(
        self,
        name: str,
        version: str,
        requires: tuple[str, ...] = (),
        *,
        yanked: str | None = None,
        requires_python: str = "",
        extras: tuple[str, ...] = (),
        **more: object,
    ) -> Path:
        place = self.folder / "files" / name
        wheel = make_wheel(
            place, name, version, requires, requires_python=requires_python, extras=extras, **more
        )
        with zipfile.ZipFile(wheel) as archive:
            (metadata,) = [one for one in archive.namelist() if one.endswith("/METADATA")]
            text = archive.read(metadata)
        wheel.with_name(wheel.name + ".metadata").write_bytes(text)
        before = self.releases.get((name, version))
        file = ReleaseFile(
            wheel.name,
            wheel.stat().st_size,
            sha256(wheel),
            hashlib.sha256(text).hexdigest(),
            "2026-11-21T20:15:00Z",
        )
        files = {one.filename: one for one in (before.files if before else ())} | {wheel.name: file}
        self.releases[name, version] = Release(
            version=version,
            summary="",
            license="",
            requires_python=requires_python,
            requires=requires,
            extras=extras,
            keywords=(),
            provides=(),
            skills=(),
            files=tuple(files[one] for one in sorted(files)),
            yanked=yanked,
        )
        return wheel

    @property
    def settings(self) -> RegistrySettings:
        return RegistrySettings(self.name, self.url, None)

    def snapshot(self) -> Snapshot:
        from packaging.version import Version

        names = sorted({one for one, _ in self.releases} | set(self.reserved))
        packages = []
        for name in names:
            some = [one for (of, _), one in self.releases.items() if of == name]
            some.sort(key=lambda one: Version(one.version), reverse=True)
            packages.append(Package(name, tuple(some), self.reserved.get(name)))
        catalogue = Catalogue(self.name, tuple(packages))
        digest = "sha256:" + hashlib.sha256(catalogue.as_json()).hexdigest()
        return Snapshot(self.settings, self.version, catalogue, digest)


class Bench:
    """A project with a registry ``main`` and a package index, both live."""

    def __init__(self, folder: Path, index: Index, *registries: Registry) -> None:
        self.folder = folder
        self.index = index
        self.registries = registries

    @property
    def main(self) -> Registry:
        return self.registries[0]

    def wanted(
        self,
        *requirements: str,
        targets: tuple[Target, ...] = (PY311,),
        requires_python: str = "",
        bound: dict[str, str] | None = None,
        **more: object,
    ) -> Wanted:
        settings = ProjectSettings(
            folder=self.folder,
            targets=targets,
            registries=tuple(one.settings for one in self.registries),
            bound=bound or {},
            **more,
        )
        return Wanted(
            requirements=(
                *map(Requirement, requirements),
                *flink_of(targets, requires_python),
            ),
            requires_python=requires_python,
            settings=settings,
            snapshots={one.name: one.snapshot() for one in self.registries},
            vendor=self.vendor(),
            index=self.index.simple,
        )

    def vendor(self) -> dict[str, tuple[Path, ...]]:
        found: dict[str, tuple[Path, ...]] = {}
        for one in sorted(self.folder.glob("vendor/*.whl")):
            name = str(canonicalize_name(one.name.partition("-")[0]))
            found[name] = (*found.get(name, ()), one)
        return found


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """A cache of uv's own: nothing of other tests, and nothing is left."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path_factory.mktemp("uv-cache")))
    monkeypatch.setenv("HEADRACE_CACHE_DIR", str(tmp_path_factory.mktemp("agents-cache")))
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def index(tmp_path):
    found = Index(tmp_path / "index")
    (found.folder / "simple").mkdir(parents=True)
    with served(found.folder) as (found.url, found.asked):
        yield found


@pytest.fixture
def registries(tmp_path):
    """Makes registries, each served."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def make(name: str) -> Registry:
            found = Registry(name, tmp_path / name)
            (found.folder / "files").mkdir(parents=True)
            found.url, found.asked = stack.enter_context(served(found.folder))
            return found

        yield make


@pytest.fixture
def bench(tmp_path, index, registries):
    folder = tmp_path / "project"
    folder.mkdir()
    return Bench(folder, index, registries("main"))


@pytest.fixture
def wheel():
    """Makes a wheel: ``wheel(folder, name, version, requires, ...)``."""
    return make_wheel


@pytest.fixture
def two_registries(tmp_path, index, registries):
    folder = tmp_path / "project"
    folder.mkdir()
    return Bench(folder, index, registries("main"), registries("other"))


class Client:
    """Fetches a registry's wheels, as ``headrace_registry.client.RegistryClient`` does."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.fetched: list[str] = []

    def fetch(self, package: str, file: ReleaseFile) -> Path:
        path = self.registry.folder / "files" / package / file.filename
        if sha256(path) != file.sha256:
            raise TrustError(f"{file.filename} is not what was signed")
        self.fetched.append(file.filename)
        return path


@pytest.fixture
def client(bench):
    return Client(bench.main)


@pytest.fixture
def environment(tmp_path):
    """An empty environment of this Python."""
    import venv

    from headrace_registry.locking import Environment

    venv.create(tmp_path / "venv", symlinks=True)
    return Environment.find(tmp_path, tmp_path / "venv")


@pytest.fixture
def machine():
    """The target that this machine is."""
    from headrace_registry.locking import this_machine

    return this_machine()


BACKEND = """
{code}
import os, zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    file = "{name}-{version}-py3-none-any.whl"
    info = "{name}-{version}.dist-info"
    with zipfile.ZipFile(os.path.join(folder, file), "w") as archive:
        for path, text in (
            ("{name}.py", open("{name}.py").read()),
            (info + "/METADATA", "Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n"),
            (info + "/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"),
            (info + "/RECORD", ""),
        ):
            archive.writestr(zipfile.ZipInfo(path), text)
    return file
"""


@pytest.fixture
def sdist(bench):
    """Puts a source distribution into the index: ``sdist(name, version, code of its build)``."""
    import io
    import tarfile

    def make(name: str, version: str, code: str = "") -> None:
        # A build backend of its own, so that building needs nothing of an index.
        files = {
            "pyproject.toml": "[build-system]\nrequires = []\n"
            'build-backend = "backend"\nbackend-path = ["."]\n',
            "backend.py": BACKEND.format(name=name, version=version, code=code),
            f"{name}.py": f"VERSION = {version!r}\n",
            "PKG-INFO": f"Metadata-Version: 1.0\nName: {name}\nVersion: {version}\n",
        }
        place = bench.index.folder / "files" / name
        place.mkdir(parents=True, exist_ok=True)
        with tarfile.open(place / f"{name}-{version}.tar.gz", "w:gz") as archive:
            for path, text in files.items():
                member = tarfile.TarInfo(f"{name}-{version}/{path}")
                member.size = len(text.encode())
                archive.addfile(member, io.BytesIO(text.encode()))
        bench.index.pages(name)

    return make
