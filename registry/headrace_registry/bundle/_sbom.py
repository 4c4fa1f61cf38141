"""The bill of materials of a job, for auditors and scanners: CycloneDX 1.6 as JSON.

It has no times and no random numbers, so that the same job gives the same bytes. Files of the
packages' own (``.dist-info/sboms``, PEP 770) stay where they are in the zip, and are referred to.
"""

from __future__ import annotations

import json
import re
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from packaging.utils import canonicalize_name

from headrace.jobs.manifest import SITE
from headrace_skills._text import one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from headrace.jobs.manifest import BundledPackage, JobManifest, SkillEntry

__all__ = ["purl", "sbom"]

_NAMESPACE = uuid.UUID("5d9f4a9e-2f53-5c0b-9d0f-0d3a4c9a2b11")
_TOOL = "headrace-registry"
_SBOMS = re.compile(rf"{SITE}/([A-Za-z0-9._]+)-[^/]*\.dist-info/sboms/.")
_TEXT, _HEX = 300, 64  # characters of a text; digits of a digest


def sbom(
    manifest: JobManifest,
    lock: str,
    requires: Mapping[str, Collection[str]],
    files: Mapping[str, str] | None = None,
) -> bytes:
    """The document.

    Args:
        manifest: The job's manifest, as far as it is known: its list of files comes later, since
            this document is one of them.
        lock: The digest of its lock, in hexadecimal.
        requires: For each package, the packages that it requires; those that are not in the zip are
            passed over.
        files: For each file of the zip its digest, in hexadecimal; of connectors and of the
            packages' own bills of materials.
    """
    by_name = {one.name: one for one in manifest.packages}
    digests = files or {}
    nested = _nested(digests)
    root = f"job:{quote(manifest.name, safe='')}"
    own = [
        *(_skill(one) for one in manifest.skills),
        *(_jar(path, digests.get(path)) for path in manifest.jars),
    ]
    needs = {
        name: sorted({two for two in requires.get(name, ()) if two in by_name}) for name in by_name
    }
    tops = [purl(by_name[one]) for one in _tops(needs)]
    links = [
        {"ref": root, "dependsOn": sorted({*tops, *(one["bom-ref"] for one in own)})},
        *(
            {"ref": purl(by_name[one]), "dependsOn": sorted(purl(by_name[two]) for two in others)}
            for one, others in needs.items()
        ),
        *({"ref": one["bom-ref"]} for one in own),
    ]
    parts = [*(_package(one, nested.get(one.name, ())) for one in manifest.packages), *own]
    document: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "lifecycles": [{"phase": "build"}],
            "tools": {"components": [_tool()]},
            "component": _job(manifest, root, lock),
        },
        "components": sorted(parts, key=lambda one: str(one["bom-ref"])),
        "dependencies": sorted(links, key=lambda one: str(one["ref"])),
    }
    # Over the whole content: two jobs with one lock are two documents.
    content = json.dumps(document, sort_keys=True)
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(_NAMESPACE, content)}"
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _tool() -> dict[str, str]:
    from importlib.metadata import version

    return {"type": "application", "name": _TOOL, "version": version(_TOOL)}


def _job(manifest: JobManifest, root: str, lock: str) -> dict[str, Any]:
    engine = manifest.engine
    return {
        "type": "application",
        "bom-ref": root,
        "name": one_line(manifest.name, _TEXT),
        "properties": _properties(
            ("core", manifest.headrace),
            ("engine", f"{engine.distribution} {engine.version} ({engine.mode})"),
            ("lock", f"sha256:{lock}"),
            ("platform", manifest.platform),
            ("python", manifest.python),
        ),
    }


def _nested(files: Mapping[str, str]) -> dict[str, list[tuple[str, str]]]:
    """The bills of materials that packages bring (PEP 770), by package."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path, digest in sorted(files.items()):
        match = _SBOMS.match(path)
        if match is not None:
            found.setdefault(str(canonicalize_name(match[1])), []).append((path, digest))
    return found


def purl(package: BundledPackage) -> str:
    """The package URL of a package."""
    return f"pkg:pypi/{package.name}@{quote(package.version, safe='.')}"


def _package(package: BundledPackage, nested: Collection[tuple[str, str]]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "library",
        "bom-ref": purl(package),
        "purl": purl(package),
        "name": package.name,
        "version": package.version,
        "scope": "required",
        "hashes": [{"alg": "SHA-256", "content": package.sha256}],
        "properties": _properties(
            ("origin", package.origin),
            ("wheel", package.wheel),
            ("why", package.why),
            ("files", str(package.files)),
            *((("files:left-out", str(package.trimmed)),) if package.trimmed else ()),
        ),
    }
    if package.license:
        found["licenses"] = [_license(package.license)]
    if nested:
        found["externalReferences"] = [
            {
                "type": "bom",
                "url": quote(path),
                "comment": "of the package itself; the path is one of the job's zip",
                "hashes": [{"alg": "SHA-256", "content": digest}],
            }
            for path, digest in nested
        ]
    return found


def _license(said: str) -> dict[str, Any]:
    """An expression (PEP 639) where it is one; else what the package says, as a name."""
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    try:
        return {"expression": str(canonicalize_license_expression(said))}
    except InvalidLicenseExpression:
        return {"license": {"name": one_line(said, _TEXT)}}


def _skill(skill: SkillEntry) -> dict[str, Any]:
    digest = skill.digest.removeprefix("sha256:")
    found: dict[str, Any] = {
        "type": "data",
        "bom-ref": f"skill:{quote(skill.name, safe='')}",
        "name": skill.name,
        "properties": _properties(
            ("origin", skill.origin),
            *(("network", one) for one in skill.network),
            *(("environment", one) for one in skill.environment),
            *(("command", one) for one in skill.commands),
        ),
    }
    if len(digest) == _HEX:
        found["hashes"] = [{"alg": "SHA-256", "content": digest}]
    return found


def _jar(path: str, digest: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "library",
        "bom-ref": f"jar:{quote(path)}",
        "name": path.rpartition("/")[2],
        "mime-type": "application/java-archive",
        "properties": _properties(("path", path)),
    }
    if digest is not None:
        found["hashes"] = [{"alg": "SHA-256", "content": digest}]
    return found


def _properties(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [
        {"name": f"headrace:{name}", "value": one_line(value, _TEXT)}
        for name, value in sorted(pairs)
    ]


def _tops(needs: Mapping[str, Iterable[str]]) -> list[str]:
    """The packages that no other requires; of a ring of packages, the first."""
    found = sorted(
        set(needs) - {two for one, others in needs.items() for two in others if one != two}
    )
    reached: set[str] = set()
    for one in [*found, *sorted(needs)]:
        if one in reached:
            continue
        if one not in found:
            found.append(one)
        todo = [one]
        while todo:
            name = todo.pop()
            if name not in reached:
                reached.add(name)
                todo += needs[name]
    return sorted(found)
