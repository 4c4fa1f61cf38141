"""The published schema of `FlinkDeployment`, as strict as a cluster: unknown fields are faults."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml
from jsonschema import Draft7Validator

CRD = Path(__file__).parent / "crd/flinkdeployments.flink.apache.org-v1.yml"


@cache
def validator():
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    definition = yaml.load(CRD.read_text(), Loader=loader)  # noqa: S506 - a safe loader, in C
    (version,) = definition["spec"]["versions"]
    schema = strict(version["schema"]["openAPIV3Schema"])
    # What every object has is not in the schema of any.
    schema["properties"] |= {
        "apiVersion": {"const": f"{definition['spec']['group']}/{version['name']}"},
        "kind": {"const": definition["spec"]["names"]["kind"]},
        "metadata": {"type": "object"},
    }
    schema["required"] = ["apiVersion", "kind", "metadata", "spec"]
    return Draft7Validator(schema)


def strict(schema):
    """A schema of Kubernetes as one of JSON Schema; what a cluster drops is refused."""
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    found = dict(schema)
    for key in ("properties",):
        if key in schema:
            found[key] = {name: strict(one) for name, one in schema[key].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            found[key] = strict(schema[key])
    free = schema.get("x-kubernetes-preserve-unknown-fields")
    if "properties" in schema and "additionalProperties" not in schema and not free:
        found["additionalProperties"] = False
    return found


def faults(data):
    """What is wrong with an object."""
    return [f"{error.json_path}: {error.message}" for error in validator().iter_errors(data)]
