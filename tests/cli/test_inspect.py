"""`agents inspect`: a page for people, all of it for programs, and what differs."""

from __future__ import annotations

import json

import pytest

from ..registry.bundle.zips import JobFiles  # noqa: TID252 - tests are no package to name


def rich():
    job = JobFiles()
    job.package("flink-part", "2.3", {"part.py": b"x" * 50}, engine=True, why="the engine")
    job.jar("connector.jar")
    job.manifest |= {
        "skills": [
            {
                "name": "log-triage",
                "origin": "acme-tools",
                "digest": "0" * 64,
                "network": ["logs.example.org"],
                "commands": ["jq"],
            }
        ],
        "secrets": [{"name": "MODEL_API_KEY", "used_by": "chat_models llm"}],
        "state": {"format": 1, "agents": {"echo": {"uid": "headrace-echo", "shards": 64}}},
        "settings": {"parallelism.default": "4"},
    }
    return job


@pytest.fixture
def zipped(place):
    return rich().write(place.folder / "job.zip")


def page(place, *arguments):
    result = place.run("inspect", *arguments)
    assert result.exit_code == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize(
    "line",
    [
        "verified:  yes",
        "signed:    no",
        "for:       Python 3.11 on linux/amd64",
        "engine:    apache-flink 2.3.0, provided",
        "state:     echo in 64 shards (uid headrace-echo)",
        "setting:   parallelism.default = 4",
        "agent echo",
        "  action echo: on input",
        "2 packages, and 1 of the engine (--packages)",
        "1 skill",
        "  MODEL_API_KEY: chat_models llm",
        "  jars/connector.jar  6 B",
    ],
)
def test_the_page_tells_what_one_asks_first(place, zipped, line):
    assert line in page(place, zipped).splitlines()


def test_packages_have_licences_and_reasons(place, zipped):
    lines = page(place, zipped).splitlines()
    row = next(one for one in lines if one.startswith("acme-tools 1.2.0"))
    assert row.split()[-4:] == ["MIT", "index", "plan:", "echo"]
    assert not any(one.startswith("flink-part") for one in lines)
    everything = page(place, zipped, "--packages")
    assert "flink-part 2.3" in everything


def test_skills_are_shown_with_what_they_may_do(place, zipped):
    row = page(place, zipped, "--skills").splitlines()[-1]
    assert row.split() == ["log-triage", "acme-tools", "logs.example.org", "-", "jq"]


def test_files_are_listed_whole(place, zipped):
    lines = page(place, zipped, "--files").splitlines()
    assert len(lines) == 1 + len(rich().packed())
    assert any(one.split()[-2:] == ["x", "bin/python"] for one in lines)


def test_the_plan_is_shown_as_a_tree(place, zipped):
    assert "└─" in page(place, zipped, "--plan")


def test_the_bill_of_materials_comes_as_it_is(place, zipped):
    assert page(place, zipped, "--sbom") == rich().sbom().decode()


def test_programs_read_all_of_it(place, zipped):
    data = json.loads(page(place, zipped, "--json"))
    assert data["verified"]
    assert data["manifest"]["secrets"] == [{"name": "MODEL_API_KEY", "used_by": "chat_models llm"}]
    assert data["plans"]["echo"]["actions"]["echo"]["mode"] == "sync"
    assert sum(data["parts"].values()) == zipped.stat().st_size
    assert "files" not in data
    files = json.loads(page(place, zipped, "--json", "--files"))["files"]
    assert {one["path"] for one in files} == set(rich().packed())


def test_a_wrong_zip_is_refused_and_shown_with_a_warning_if_one_insists(place):
    job = rich()
    job.late = {"app/echo.py": b"evil"}
    path = job.write(place.folder / "job.zip")
    refused = place.run("inspect", path)
    assert refused.exit_code == 1
    assert "changed: app/echo.py" in refused.stderr
    assert "verified:  NO" in page(place, path, "--no-verify")


def test_a_strangers_words_do_nothing_to_the_terminal(place):
    job = rich()
    evil = "a\x1b[2J\u202eb\nverified:  yes\u200b"
    job.manifest["settings"] = {"x": evil}
    job.manifest["skills"][0]["name"] = evil
    job.packages[-1] |= {"license": evil, "why": evil}
    path = job.write(place.folder / "job.zip")
    out = "".join(page(place, path, *some) for some in ([], ["--packages"], ["--skills"]))
    assert not {"\x1b", "\u202e", "\u200b"} & set(out)
    assert out.splitlines().count("verified:  yes") == 1


def test_what_differs_in_another_zip(place, zipped):
    job = rich()
    job.files["app/echo.py"] = b"print('other')\n"
    other = job.write(place.folder / "other.zip")
    assert page(place, zipped, "--diff", other) == "app/echo.py: changed\n"
    assert page(place, zipped, "--diff", zipped) == "nothing differs\n"
    data = json.loads(page(place, zipped, "--diff", other, "--json"))
    assert data["differences"] == ["app/echo.py: changed"]


@pytest.mark.parametrize("asked", [["--sbom", "--plan"], ["--sbom", "--json"]])
def test_two_things_at_once_are_bad_usage(place, zipped, asked):
    assert place.run("inspect", zipped, *asked).exit_code == 2
