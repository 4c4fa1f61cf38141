"""The bill of materials: what auditors and scanners read of a job."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from headrace.jobs.manifest import JobManifest
from headrace_registry.bundle._sbom import sbom

LOCK = "ab" * 32
NESTED = "site-packages/acme_tools-1.2.dist-info/sboms/vendored.cdx.json"


def package(name, version="1.0", **more):
    return {
        "name": name,
        "version": version,
        "wheel": f"{name.replace('-', '_')}-{version}-py3-none-any.whl",
        "sha256": "cd" * 32,
        "origin": "index",
        "license": "MIT",
        "why": "plan: echo",
        "files": 3,
        "size": 100,
        **more,
    }


def manifest(*packages, **more):
    return JobManifest.model_validate(
        {
            "name": "demo",
            "headrace": "0.1.0",
            "python": "3.11",
            "platform": "linux/amd64",
            "engine": {"mode": "bundled", "distribution": "apache-flink", "version": "2.3.0"},
            "plans": [],
            "packages": packages,
            "files_total": 0,
            "sums": "",
            **more,
        }
    )


def rich():
    """A job with one of each."""
    return manifest(
        package("acme-tools", "1.2", license="Apache-2.0 OR MIT", trimmed=7),
        package("old-one", license="BSD, see the file\nLICENSE"),
        package("nothing-said", "2.0+cu12", license="", origin="vendor"),
        skills=[
            {
                "name": "log-triage",
                "origin": "acme-tools",
                "digest": "ef" * 32,
                "network": ["logs.example.org"],
                "commands": ["jq"],
            }
        ],
        jars=["jars/connector.jar"],
    )


def document(of, requires=None, files=None):
    return json.loads(sbom(of, LOCK, requires or {}, files))


def component(found, name):
    return next(one for one in found["components"] if one["name"] == name)


def properties(one):
    return {p["name"].removeprefix("headrace:"): p["value"] for p in one["properties"]}


def links(found):
    return {one["ref"]: one.get("dependsOn", []) for one in found["dependencies"]}


@pytest.mark.parametrize("of", [manifest(), rich()], ids=["empty", "rich"])
def test_it_is_valid_by_the_standards_own_schema(of):
    text = sbom(of, LOCK, {"acme-tools": ["old-one"]}, {NESTED: LOCK, "jars/connector.jar": LOCK})
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text.decode()) is None


def test_a_package_is_named_as_scanners_look_it_up_with_its_wheels_digest():
    one = component(document(rich()), "acme-tools")
    assert one["purl"] == "pkg:pypi/acme-tools@1.2"
    assert one["hashes"] == [{"alg": "SHA-256", "content": "cd" * 32}]


def test_a_local_version_is_escaped_in_its_address():
    one = component(document(rich()), "nothing-said")
    assert one["purl"] == "pkg:pypi/nothing-said@2.0%2Bcu12"


def test_licences_are_expressions_where_they_are_and_names_else():
    found = document(rich())
    assert component(found, "acme-tools")["licenses"] == [{"expression": "Apache-2.0 OR MIT"}]
    assert component(found, "old-one")["licenses"] == [
        {"license": {"name": "BSD, see the file LICENSE"}}
    ]
    assert "licenses" not in component(found, "nothing-said")


def test_where_a_package_is_from_and_why_it_is_in_and_what_is_left_out_of_it():
    told = properties(component(document(rich()), "acme-tools"))
    assert told["origin"] == "index"
    assert told["why"] == "plan: echo"
    assert told["files:left-out"] == "7"


def test_the_job_is_what_the_document_is_about():
    about = document(rich())["metadata"]["component"]
    assert (about["type"], about["name"]) == ("application", "demo")
    assert properties(about) == {
        "core": "0.1.0",
        "engine": "apache-flink 2.3.0 (bundled)",
        "lock": f"sha256:{LOCK}",
        "platform": "linux/amd64",
        "python": "3.11",
    }


def test_skills_are_data_with_what_they_may_do():
    one = component(document(rich()), "log-triage")
    assert one["type"] == "data"
    assert one["hashes"] == [{"alg": "SHA-256", "content": "ef" * 32}]
    assert properties(one) == {
        "command": "jq",
        "network": "logs.example.org",
        "origin": "acme-tools",
    }


def test_connectors_are_parts_too():
    one = component(document(rich(), files={"jars/connector.jar": "12" * 32}), "connector.jar")
    assert one["hashes"] == [{"alg": "SHA-256", "content": "12" * 32}]


def test_a_packages_own_bill_of_materials_is_referred_to():
    (one,) = component(document(rich(), files={NESTED: "34" * 32}), "acme-tools")[
        "externalReferences"
    ]
    assert (one["type"], one["url"]) == ("bom", NESTED)
    assert one["hashes"] == [{"alg": "SHA-256", "content": "34" * 32}]


def test_who_requires_whom():
    of = manifest(package("a"), package("b"), package("c"))
    found = links(document(of, {"a": ["b", "left-out"], "b": ["c"]}))
    assert found == {
        "job:demo": ["pkg:pypi/a@1.0"],
        "pkg:pypi/a@1.0": ["pkg:pypi/b@1.0"],
        "pkg:pypi/b@1.0": ["pkg:pypi/c@1.0"],
        "pkg:pypi/c@1.0": [],
    }


def test_packages_that_require_each_other_are_reached_from_the_job():
    of = manifest(package("a"), package("b"), package("c"))
    found = links(document(of, {"a": ["b"], "b": ["a"], "c": ["c"]}))
    assert found["job:demo"] == ["pkg:pypi/a@1.0", "pkg:pypi/c@1.0"]


def test_two_jobs_with_one_lock_are_two_documents():
    one, two = document(manifest(package("a"))), document(manifest(package("b")))
    assert one["serialNumber"] != two["serialNumber"]


def test_it_has_no_time():
    assert "timestamp" not in sbom(rich(), LOCK, {}).decode()


def test_it_is_the_same_bytes_under_any_hash_seed_and_order():
    code = f"""
import sys
from headrace.jobs.manifest import JobManifest
from headrace_registry.bundle._sbom import sbom
of = JobManifest.model_validate_json(sys.stdin.read())
sys.stdout.buffer.write(sbom(of, {LOCK!r}, {{"acme-tools": {{"old-one", "nothing-said"}}}}))
"""
    outs = {
        subprocess.run(
            [sys.executable, "-c", code],
            input=rich().to_json(),
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert outs == {sbom(rich(), LOCK, {"acme-tools": ["nothing-said", "old-one"]})}
