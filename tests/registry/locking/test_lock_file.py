"""`pylock.toml`: what is written is a standard lock, and what is read is checked."""

from __future__ import annotations

import sys

import pytest
from packaging.pylock import Pylock

from headrace_registry.errors import LockError
from headrace_registry.locking import (
    Lock,
    LockedPackage,
    LockedWheel,
    RegistryState,
    read_lock,
    recorded,
)
from headrace_registry.settings import Target

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ONE, TWO = "1" * 64, "2" * 64


@pytest.fixture
def lock():
    return Lock(
        packages=(
            LockedPackage(
                "lib",
                "1.0",
                "sys_platform == 'linux'",
                "index",
                (LockedWheel("lib-1.0-py3-none-any.whl", ONE, url="https://i.example.org/l.whl"),),
                index="https://i.example.org/simple",
            ),
            LockedPackage(
                "skill-a",
                "2.0",
                None,
                "main",
                (
                    LockedWheel(
                        "skill_a-2.0-py3-none-any.whl",
                        TWO,
                        7,
                        url="https://r.example.org/files/skill-a/skill_a-2.0-py3-none-any.whl",
                    ),
                ),
                ("lib", "skill-own"),
                "https://r.example.org",
            ),
            LockedPackage(
                "skill-own",
                "0.1",
                None,
                "vendor",
                (
                    LockedWheel(
                        "skill_own-0.1-py3-none-any.whl",
                        ONE,
                        9,
                        path="vendor/skill_own-0.1-py3-none-any.whl",
                    ),
                ),
            ),
        ),
        targets=(Target("3.11", "linux/amd64"),),
        requires_python=">=3.11,<3.12",
        inputs="sha256:abc",
        registries={"main": RegistryState("https://r.example.org", "sha256:k", 4, "sha256:c")},
    )


@pytest.fixture
def path(lock, tmp_path):
    path = tmp_path / "pylock.toml"
    path.write_text(lock.as_toml())
    return path


class TestWhatIsWritten:
    def test_it_is_a_lock_as_the_standard_wants_it(self, path):
        standard = Pylock.from_dict(tomllib.loads(path.read_text()))
        assert standard.created_by == "headrace"
        assert [str(one.name) for one in standard.packages] == ["lib", "skill-a", "skill-own"]

    def test_the_standards_own_selection_finds_what_to_install(self, path):
        from packaging.tags import compatible_tags

        standard = Pylock.from_dict(tomllib.loads(path.read_text()))
        tags = list(compatible_tags((3, 11), interpreter="cp311", platforms=["linux_x86_64"]))
        environment = {
            "python_full_version": "3.11.4",
            "python_version": "3.11",
            "sys_platform": "linux",
            "platform_machine": "x86_64",
        }
        chosen = standard.select(environment=environment, tags=tags)
        assert [str(package.name) for package, _ in chosen] == ["lib", "skill-a", "skill-own"]

    def test_it_says_that_it_is_made(self, path):
        assert path.read_text().startswith("# Made by `agents lock`")

    def test_dependencies_are_in_it(self, path):
        skill = tomllib.loads(path.read_text())["packages"][1]
        assert skill["dependencies"] == [{"name": "lib"}, {"name": "skill-own"}]

    def test_of_a_name_with_two_versions_both_are_told(self, lock):
        from dataclasses import replace

        (lib, skill, own) = lock.packages
        wheel = replace(lib.wheels[0], filename="lib-1.5-py3-none-any.whl")
        newer = replace(lib, version="1.5", wheels=(wheel,))
        lock = replace(lock, packages=(lib, newer, skill, own))
        skill_data = tomllib.loads(lock.as_toml())["packages"][2]
        assert skill_data["dependencies"][:2] == [
            {"name": "lib", "version": "1.0"},
            {"name": "lib", "version": "1.5"},
        ]


class TestWhatIsRead:
    def test_it_is_what_was_written(self, lock, path):
        assert read_lock(path) == lock

    def test_no_file_is_no_lock(self, tmp_path):
        assert read_lock(tmp_path / "pylock.toml") is None
        assert recorded(tmp_path / "pylock.toml") is None

    def test_the_inputs_digest_is_read_alone(self, path):
        assert recorded(path) == "sha256:abc"

    def test_one_that_is_no_text_is_refused(self, path):
        path.write_bytes(b"\xff\xfe" + path.read_bytes())
        with pytest.raises(LockError, match="no TOML"):
            read_lock(path)

    @pytest.mark.parametrize(
        ("before", "after", "why"),
        [
            ('lock-version = "1.0"', 'lock-version = "9.0"', "no valid lock"),
            ('version = "2.0"', 'version = "not one"', "no valid lock"),
            ('inputs = "sha256:abc"', "", "changed by hand"),
            ('"vendor/skill_own', '"../../skill_own', "out of the project"),
            ('"vendor/skill_own', '"/vendor/skill_own', "out of the project"),
            (f'sha256 = "{TWO}"', 'md5 = "1"', "changed by hand"),
            ("[[packages]]", "[[packages", "no TOML"),
            ('created-by = "headrace"', 'created-by = "uv"', "made by uv"),
        ],
    )
    def test_one_that_is_damaged_is_refused_with_the_reason(self, path, before, after, why):
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))
        with pytest.raises(LockError, match=why) as raised:
            read_lock(path)
        assert "next: " in str(raised.value)
