"""Small jobs' zips, made by hand, and ways to spoil them.

Nothing of this is the builder's: what is verified must be right by the format's own words.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile

from headrace import AgentBuilder, AgentPlan, InputEvent, OutputEvent

UNLISTED = ("job.json", "SHA256SUMS", "job.json.dsse")
METADATA = "Metadata-Version: 2.4\nName: {name}\nVersion: {version}\nLicense-Expression: MIT\n"


def hexadecimal(data):
    return hashlib.sha256(data).hexdigest()


def echo(event: InputEvent, ctx) -> None:
    ctx.send(OutputEvent(output=event.input))


def plan(name="echo"):
    return AgentPlan.from_agent(AgentBuilder(name).action(echo, InputEvent))


class JobFiles:
    """A job's files, before they are packed: whole, until a test changes them.

    What is in ``files`` is summed up when the zip is written; ``late`` replaces or adds contents
    after that, ``None`` takes a file away; ``without`` are files that were never there;
    ``manifest`` replaces fields of job.json.
    """

    def __init__(self):
        self.files = {}
        self.executables = {"bin/python"}
        self.packages = []
        self.plans = []
        self.manifest = {}
        self.late = {}
        self.without = []
        self.modes = {}
        self.jars = []
        self.sign = None
        self.files["bin/python"] = b"#!/bin/sh\n"
        self.files["main.py"] = b"from headrace.jobs.driver import main; main()\n"
        self.files["app/echo.py"] = b"print('echo')\n"
        self.plan(plan())
        self.package("headrace-core", "0.1.0", {"headrace/__init__.py": b"core = 1\n" * 200})
        self.package(
            "acme.tools", "1.2.0", {"acme/__init__.py": b"", "acme/clock.py": b"now = 1\n"}
        )

    def plan(self, compiled):
        path = f"plans/{compiled.name}.json"
        self.files[path] = compiled.model_dump_json().encode()
        self.plans.append({"agent": compiled.name, "path": path, "digest": compiled.digest})

    def package(self, name, version, files, **more):
        """Adds a package as a wheel's installation has it."""
        normal = name.replace(".", "-")
        stem = f"{name.replace('-', '_').replace('.', '_')}-{version}"
        info = f"{stem}.dist-info"
        files = {
            **files,
            f"{info}/METADATA": METADATA.format(name=name, version=version).encode(),
            f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\n",
        }
        rows = [
            f"{path},sha256={_unpadded(data)},{len(data)}" for path, data in sorted(files.items())
        ]
        files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
        for path, data in files.items():
            self.files[f"site-packages/{path}"] = data
        entry = {
            "name": normal,
            "version": version,
            "wheel": f"{stem}-py3-none-any.whl",
            "sha256": hexadecimal(f"{normal} {version}".encode()),
            "origin": "index",
            "license": "MIT",
            "why": "plan: echo",
            "files": len(files),
            "size": sum(map(len, files.values())),
        }
        self.packages.append({**entry, **more})

    def jar(self, name, data=b"PK jar"):
        self.files[f"jars/{name}"] = data
        self.jars.append(f"jars/{name}")

    def lock(self):
        lines = ['lock-version = "1.0"', 'created-by = "headrace"']
        for one in self.packages:
            lines += [
                "[[packages]]",
                f'name = "{one["name"]}"',
                f'version = "{one["version"]}"',
                "[[packages.wheels]]",
                f'name = "{one["wheel"]}"',
                f'url = "https://packages.example.org/{one["wheel"]}"',
                f'hashes = {{ sha256 = "{one["sha256"]}" }}',
            ]
        return "\n".join([*lines, ""]).encode()

    def sbom(self):
        parts = [
            {
                "type": "library",
                "name": one["name"],
                "version": one["version"],
                "purl": f"pkg:pypi/{one['name']}@{one['version']}",
                "hashes": [{"alg": "SHA-256", "content": one["sha256"]}],
            }
            for one in self.packages
        ]
        return json.dumps({"bomFormat": "CycloneDX", "components": parts}).encode()

    def packed(self):
        """Every file of the zip, by path."""
        files = {"pylock.toml": self.lock(), "sbom.cdx.json": self.sbom(), **self.files}
        for name in self.without:
            del files[name]
        sums = "".join(f"{hexadecimal(data)}  {path}\n" for path, data in sorted(files.items()))
        manifest = {
            "format": 1,
            "name": "demo",
            "headrace": "0.1.0",
            "python": "3.11",
            "platform": "linux/amd64",
            "engine": {"mode": "provided", "distribution": "apache-flink", "version": "2.3.0"},
            "plans": self.plans,
            "packages": self.packages,
            "jars": self.jars,
            "executables": sorted(self.executables),
            "files_total": len(files),
            "sums": hexadecimal(sums.encode()),
            **self.manifest,
        }
        files["SHA256SUMS"] = sums.encode()
        files["job.json"] = json.dumps(manifest, indent=1).encode() + b"\n"
        if self.sign is not None:
            files["job.json.dsse"] = self.sign(files["job.json"])
        files.update(self.late)
        return {path: data for path, data in files.items() if data is not None}

    def write(self, path):
        """Writes the zip, in the one form that builds give."""
        files = self.packed()
        with zipfile.ZipFile(path, "w") as archive:
            for name in sorted(files):
                how = zipfile.ZIP_DEFLATED if "site-packages" in name else zipfile.ZIP_STORED
                put(archive, name, files[name], self.mode(name), how)
        return path

    def mode(self, name):
        return self.modes.get(name, 0o100755 if name in self.executables else 0o100644)


def put(archive, name, data, mode=0o100644, how=zipfile.ZIP_STORED):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr, info.compress_type = 3, mode << 16, how
    archive.writestr(info, data)


def entries(path):
    """Every entry of a zip with its content, in order."""
    with zipfile.ZipFile(path) as archive:
        return [(one, archive.read(one)) for one in archive.infolist()]


def flip(path, name):
    """Turns a bit of a file's packed bytes, as a bad disk does."""
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(name)
    data = bytearray(path.read_bytes())
    data[info.header_offset + 30 + len(name) + info.compress_size // 2] ^= 1
    path.write_bytes(data)


def _unpadded(data):
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
