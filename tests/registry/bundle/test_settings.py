"""What ``[tool.agents.bundle]`` may say."""

from __future__ import annotations

import pytest

from headrace_registry.bundle.settings import BundleSettings, read_bundle_settings
from headrace_registry.errors import SettingsError

KEY = "sha256:" + "0a" * 32


def test_nothing_said_is_nothing_set():
    assert read_bundle_settings({}) == BundleSettings()


def test_every_name_is_read():
    read = read_bundle_settings(
        {
            "include": ["data/**/*.csv"],
            "exclude": ["notes/**"],
            "packages": ["tzdata"],
            "without": ["pandas"],
            "commands": ["jq"],
            "paths": ["/mnt/models"],
            "keys": [KEY],
            "not-secret": ["resources.llm.token_name"],
            "flink": {"parallelism.default": "2"},
        }
    )
    assert read == BundleSettings(
        include=("data/**/*.csv",),
        exclude=("notes/**",),
        packages=("tzdata",),
        without=("pandas",),
        commands=("jq",),
        paths=("/mnt/models",),
        keys=(KEY,),
        not_secret=("resources.llm.token_name",),
        flink={"parallelism.default": "2"},
    )


def test_names_of_packages_are_normalised():
    read = read_bundle_settings({"packages": ["Flask_Thing"], "without": ["A.B"]})
    assert (read.packages, read.without) == (("flask-thing",), ("a-b",))


def test_paths_are_plain():
    read = read_bundle_settings({"include": ["./data//x.csv"], "paths": ["/mnt/models/"]})
    assert (read.include, read.paths) == (("data/x.csv",), ("/mnt/models",))


class TestFlinksSettings:
    def test_dots_without_quotes_mean_the_same(self):
        said = {"state": {"backend": {"type": "rocksdb"}}, "a.b": "c"}
        assert read_bundle_settings({"flink": said}).flink == {
            "a.b": "c",
            "state.backend.type": "rocksdb",
        }

    def test_numbers_and_booleans_are_texts(self):
        said = {"a": 2, "b": True, "c": 0.5}
        assert read_bundle_settings({"flink": said}).flink == {"a": "2", "b": "true", "c": "0.5"}

    def test_one_setting_said_twice_is_refused(self):
        with pytest.raises(SettingsError, match=r"says a\.b twice"):
            read_bundle_settings({"flink": {"a.b": 1, "a": {"b": 2}}})

    def test_a_value_that_is_none_is_not_shown(self):
        with pytest.raises(SettingsError) as caught:
            read_bundle_settings({"flink": {"s3.secret-key": ["hidden-value"]}})
        assert "s3.secret-key" in str(caught.value)
        assert "hidden-value" not in str(caught.value)

    @pytest.mark.parametrize("name", ["a b", "", "a=b", "a\nb"])
    def test_a_name_that_is_none_is_refused(self, name):
        with pytest.raises(SettingsError, match="no name of a setting"):
            read_bundle_settings({"flink": {name: "x"}})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("include", "data"),
        ("include", [1]),
        ("include", ["/etc/passwd"]),
        ("include", ["../secrets"]),
        ("include", [""]),
        ("include", ["."]),
        ("include", ["a\\b"]),
        ("exclude", ["/tmp"]),
        ("packages", ["requests>=2"]),
        ("without", ["a b"]),
        ("commands", ["/usr/bin/jq"]),
        ("commands", ["rm -rf"]),
        ("paths", ["models"]),
        ("paths", ["/"]),
        ("paths", ["/mnt/../etc"]),
        ("keys", ["0a0a"]),
        ("not-secret", [""]),
        ("flink", ["a"]),
    ],
)
def test_a_wrong_value_is_refused_with_its_name(name, value):
    with pytest.raises(SettingsError, match=rf"tool\.agents\.bundle\.{name} must be"):
        read_bundle_settings({name: value})


def test_a_name_that_is_unknown_is_refused_with_the_one_that_is_meant():
    with pytest.raises(SettingsError, match="did you mean 'exclude'"):
        read_bundle_settings({"exclud": []})
