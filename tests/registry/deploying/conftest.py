"""Small jobs' zips, and what is made of them."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest
import yaml

from headrace_registry.deploying import (
    KubernetesOptions,
    YarnOptions,
    kubernetes_folder,
    read_settings,
    read_subject,
    write_folder,
    yarn_folder,
)

from ..bundle.zips import JobFiles  # noqa: TID252 - small zips, made by hand

BUNDLED = {"mode": "bundled", "distribution": "apache-flink", "version": "2.3.0"}
PROVIDED = {**BUNDLED, "mode": "provided", "requires": ["grpcio>=1.60", "protobuf<6"]}
REQUIRES = {"apache-flink": ("py4j", "apache-flink-libraries"), "headrace-core": ("pydantic",)}
LOCK = """\
lock-version = "1.0"
created-by = "headrace"
requires-python = ">=3.11,<3.12"

[tool.agents]
inputs = "sha256:0"
targets = [{ python = "3.11", platform = "linux/amd64" }]
"""
FAKE_FLINK = """\
#!/bin/sh
for word in "$@"; do printf '%s\\0' "$word"; done > "$WORDS"
env > "$WORDS.env"
"""


def lock_of(packages, *, vendor=()):
    """A lock as `agents lock` writes it."""
    parts = [LOCK]
    names = {one["name"] for one in packages}
    for one in packages:
        wanted = [name for name in REQUIRES.get(one["name"], ()) if name in names]
        requires = ", ".join(f'{{ name = "{name}" }}' for name in wanted)
        place = (
            f'path = "vendor/{one["wheel"]}"'
            if one["name"] in vendor
            else f'url = "https://packages.example.org/{one["wheel"]}"'
        )
        parts.append(
            f'[[packages]]\nname = "{one["name"]}"\nversion = "{one["version"]}"\n'
            f"dependencies = [{requires}]\n"
            f'[[packages.wheels]]\nname = "{one["wheel"]}"\n{place}\n'
            f'hashes = {{ sha256 = "{one["sha256"]}" }}\n'
        )
    return "\n".join(parts)


class Workshop:
    """Makes jobs' zips, and folders of them."""

    def __init__(self, folder):
        self.folder = folder

    def zip(
        self, file="job.zip", /, *, engine=None, packages=(), lock=None, change=None, **manifest
    ):
        """A zip whose engine is of two packages, beside two of the job."""
        files = JobFiles()
        files.manifest = {
            "name": "demo",
            "pipeline": "echo:job",
            "engine": engine or BUNDLED,
            **manifest,
        }
        if (engine or BUNDLED)["mode"] == "bundled":
            files.package("apache-flink", "2.3.0", {"pyflink/__init__.py": b"flink = 1\n"})
            files.package("py4j", "0.10.9.7", {"py4j/__init__.py": b"gateway = 1\n"})
        for one in packages:
            files.package(*one)
        if change is not None:
            change(files)
        files.files["pylock.toml"] = (lock or lock_of(files.packages)).encode()
        return files.write(self.folder / file)

    def subject(self, file="job.zip", /, **changes):
        path = self.zip(file, **changes)
        home = self.folder / f"{file}.home"
        with zipfile.ZipFile(path) as archive:
            archive.extractall(home)
        return read_subject(path, home)

    def kubernetes(self, *given, job=None, **options):
        """The folder for Kubernetes; what is `given` is as after `--set`."""
        made = KubernetesOptions(settings=read_settings(given), **options)
        return kubernetes_folder(job or self.subject(), made)

    def yarn(self, *given, job=None, **options):
        made = YarnOptions(settings=read_settings(given), **options)
        return yarn_folder(job or self.subject(), made)

    def written(self, folder, name="out"):
        write_folder(folder, self.folder / name)
        return self.folder / name

    def words_of(self, folder, script, *args):
        """What a script really gives to Flink's command, and the environment that it gives."""
        out = self.written(folder, f"written-{script}")
        home = self.folder / "a flink"
        (home / "bin").mkdir(parents=True, exist_ok=True)
        (home / "bin/flink").write_text(FAKE_FLINK)
        (home / "bin/flink").chmod(0o755)
        words = self.folder / "words"
        env = {
            "PATH": "/usr/bin:/bin",
            "FLINK_HOME": str(home),
            "HADOOP_CLASSPATH": "/hadoop",
            "WORDS": str(words),
        }
        subprocess.run([out / script, *args], env=env, check=True, timeout=60)
        lines = (words.with_name("words.env")).read_text().splitlines()
        variables = dict(line.split("=", 1) for line in lines if "=" in line)
        return words.read_text().split("\0")[:-1], variables


def settings_in(words):
    """The settings among some words of Flink's command."""
    return dict(word[2:].split("=", 1) for word in words if word.startswith("-D"))


def document(folder, name):
    return yaml.safe_load(folder.texts[name])


@pytest.fixture
def workshop(tmp_path):
    return Workshop(tmp_path)


@pytest.fixture(scope="session")
def flink_home():
    import pyflink

    return Path(pyflink.__file__).parent
