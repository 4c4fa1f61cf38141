"""Secrets: those that a job names, and those that it must not hold."""

from __future__ import annotations

import pytest

from headrace.jobs.manifest import Secret, SkillEntry
from headrace.plan import ResourceProvider
from headrace_registry.bundle._secrets import held_secrets, secrets_of
from headrace_registry.bundle.settings import read_bundle_settings

from .conftest import model_with, plan_of, prompt_of

# In parts, so that no scanner takes this file for one that holds secrets.
PASSWORD = "hunter2" + "hunter2"
KNOWN = {
    "aws": "AKIA" + "ABCDEFGHIJKLMNOP",
    "github": "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1",
    "slack": "xoxb-" + "123456789012-abcdef",
    "openai": "sk-" + "proj-a1B2c3D4e5F6g7H8i9",
    "google": "AIza" + "SyA1234567890abcdefghijklmnopqrs",
    "jwt": "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0" + ".c2lnbmF0dXJl",
    "key": "-----BEGIN " + "PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n",
    "dsn": "postgresql://app:" + PASSWORD + "@db.internal:5432/x",
}


def named(*resources, skills=()):
    """The secrets that a plan names."""
    return secrets_of({"Triage": plan_of(*resources)}, skills)


@pytest.fixture
def held(project):
    """What is said of a plan or of files that hold secrets."""

    def look(*resources, files=None, parameters=None, **settings):
        project.write({"job.py": "", **(files or {})})
        code = project.collect("job", named=tuple(files or ()))
        return held_secrets(
            {"Triage": plan_of(*resources, parameters=parameters)},
            code.files,
            read_bundle_settings(settings),
        )

    return look


class TestWhatIsNamed:
    def test_an_argument_that_ends_in_env_names_one(self):
        assert named(model_with(api_key_env="MY_KEY")) == (
            Secret(name="MY_KEY", used_by="resources.llm.api_key_env of Triage"),
        )

    def test_headers_whose_values_are_secrets_name_them(self):
        found = named(model_with(secret_headers={"X-Key": "A_KEY", "X-Other": "B_KEY"}))
        assert [one.name for one in found] == ["A_KEY", "B_KEY"]

    def test_one_deep_in_an_argument_is_found(self):
        found = named(model_with(store={"parts": [{"password_env": "STORE_PASSWORD"}]}))
        assert [one.name for one in found] == ["STORE_PASSWORD"]

    def test_a_parameter_names_one_too(self):
        plan = plan_of(parameters={"token_env": "PARAM_TOKEN"})
        assert secrets_of({"Triage": plan})[0].name == "PARAM_TOKEN"

    def test_skills_name_what_they_are_granted(self):
        skill = SkillEntry(name="triage", origin="app/x", digest="d", environment=("TOKEN",))
        assert named(skills=[skill]) == (Secret(name="TOKEN", used_by="skill triage"),)

    def test_one_that_several_use_is_named_once_with_all_of_them(self):
        skill = SkillEntry(name="triage", origin="app/x", digest="d", environment=("KEY",))
        (found,) = named(model_with(api_key_env="KEY"), skills=[skill])
        assert found.used_by == "resources.llm.api_key_env of Triage, skill triage"

    def test_what_says_none_names_none(self):
        assert named(model_with(api_key_env=None, headers={"X-A": "b"}), prompt_of("x_env")) == ()

    def test_a_plugins_own_default_is_named_where_the_agent_says_nothing(self):
        def openai(**arguments):
            return ResourceProvider(
                kind="chat_models",
                name="llm",
                plugin="openai",
                target="headrace_openai:OpenAIChatModel",
                arguments={"model": "m", **arguments},
                distribution="headrace-openai",
                version="0.1.0",
            )

        assert [one.name for one in named(openai())] == ["OPENAI_API_KEY"]
        assert [one.name for one in named(openai(api_key_env="MINE"))] == ["MINE"]
        assert named(openai(api_key_env=None)) == ()

    def test_a_classs_own_default_is_read_and_not_run(self, project, monkeypatch):
        monkeypatch.syspath_prepend(str(project.path))
        project.write(
            {
                "defaulted/__init__.py": "from .inner import Store",
                "defaulted/inner.py": (
                    "raise SystemExit\n"
                    "class Store:\n"
                    "    region_env: str = 'A_REGION'\n"
                    "    def __init__(self, user, user_env='A_USER', *, password_env='A_PASSWORD',"
                    " other='x'): ...\n"
                ),
            }
        )
        store = ResourceProvider(kind="memory", name="m", target="defaulted:Store")
        assert [one.name for one in named(store)] == ["A_PASSWORD", "A_REGION", "A_USER"]

    def test_a_class_has_the_defaults_of_its_bases_where_it_says_no_other(
        self, project, monkeypatch
    ):
        monkeypatch.syspath_prepend(str(project.path))
        project.write(
            {
                "based/__init__.py": "from .inner import Store",
                "based/shared.py": (
                    "USUAL = 'A_KEY'\n"
                    "class Base:\n"
                    "    key_env: str | None = USUAL\n"
                    "    user_env: str | None = 'A_USER'\n"
                    "    region_env: str | None = 'A_REGION'\n"
                ),
                "based/inner.py": (
                    "from .shared import Base\n"
                    "class Middle(Base):\n"
                    "    user_env: str | None = 'ANOTHER_USER'\n"
                    "class Store(Middle):\n"
                    "    region_env: str | None = None\n"
                ),
            }
        )
        store = ResourceProvider(kind="memory", name="m", target="based:Store")
        assert [one.name for one in named(store)] == ["ANOTHER_USER", "A_KEY"]

    def test_classes_that_are_each_others_bases_end(self, project, monkeypatch):
        monkeypatch.syspath_prepend(str(project.path))
        project.write({"circled.py": "class A(B): ...\nclass B(A):\n    key_env: str = 'A_KEY'\n"})
        store = ResourceProvider(kind="memory", name="m", target="circled:A")
        assert [one.name for one in named(store)] == ["A_KEY"]


class TestLiteralsInPlans:
    @pytest.mark.parametrize(
        "name",
        [
            "api_key",
            "apiKey",
            "password",
            "db_password",
            "token",
            "access_token",
            "secret",
            "client-secret",
            "credentials",
            "private_key",
            "dsn",
        ],
    )
    def test_one_whose_name_tells_it_is_refused_and_not_shown(self, held, name):
        (said,) = held(model_with(**{name: PASSWORD}))
        assert f"resources.llm.{name} of Triage holds a literal" in said
        assert "_env=" in said
        assert PASSWORD not in said

    def test_a_header_is_refused_with_its_way_out(self, held):
        (said,) = held(model_with(headers={"Authorization": f"Bearer {PASSWORD}"}))
        assert "resources.llm.headers.Authorization" in said
        assert "secret_headers=" in said
        assert PASSWORD not in said

    def test_a_parameter_is_refused(self, held):
        (said,) = held(parameters={"token": PASSWORD})
        assert "parameters.token of Triage" in said

    @pytest.mark.parametrize("form", KNOWN)
    def test_what_has_the_form_of_one_is_refused_anywhere(self, held, form):
        (said,) = held(prompt_of(f"Use {KNOWN[form]} for it."))
        assert "resources.ask.messages.0.content of Triage holds what looks like a secret" in said
        assert KNOWN[form] not in said

    def test_a_value_where_a_variables_name_belongs_is_refused(self, held):
        (said,) = held(model_with(api_key_env="not a name: " + PASSWORD))
        assert "must be the name of an environment variable" in said
        assert PASSWORD not in said

    @pytest.mark.parametrize(
        "arguments",
        [
            {"api_key_env": "MY_KEY"},
            {"password_file": "/run/secrets/x"},
            {"token_url": "https://login.example.com/token"},
            {"max_tokens": 100},
            {"tokens": "many"},
            {"token": ""},
            {"token": None},
            {"keyboard": "qwerty"},
            {"secretary": "Ms Jones"},
            {"dsn": "postgresql://db.internal/x"},
            {"dsn": "postgresql://app@db.internal/x"},
            {"text": "task-management-and-planning-skill"},
        ],
    )
    def test_what_is_none_is_let_through(self, held, arguments):
        assert held(model_with(**arguments)) == []

    def test_what_the_project_says_is_none_is_let_through(self, held):
        model = model_with(token_name="x-" + PASSWORD)
        (said,) = held(model)
        assert 'not-secret = ["resources.llm.token_name"]' in said
        assert held(model, **{"not-secret": ["resources.llm.token_name"]}) == []


class TestFlinksSettings:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("s3.secret-key", PASSWORD),
            ("security.ssl.rest.keystore-password", PASSWORD),
            ("metrics.reporter.x.url", KNOWN["dsn"]),
        ],
    )
    def test_a_secret_is_refused_and_not_shown(self, held, name, value):
        (said,) = held(flink={name: value})
        assert f"flink.{name}" in said
        assert value not in said

    def test_what_is_none_is_let_through(self, held):
        flink = {"execution.checkpointing.interval": "10s", "s3.secret-key": PASSWORD}
        assert held(flink=flink, **{"not-secret": ["flink.s3.secret-key"]}) == []


class TestLiteralsInFiles:
    @pytest.mark.parametrize("form", KNOWN)
    @pytest.mark.parametrize("name", ["conf.yaml", "conf.toml", "conf.json", "notes.md", "c.py"])
    def test_what_has_the_form_of_one_is_refused_with_its_line(self, held, form, name):
        (said,) = held(files={name: f"first\n\nthird {KNOWN[form]}"})
        assert f"{name}, line 3, holds what looks like a secret" in said
        assert KNOWN[form] not in said

    @pytest.mark.parametrize(
        ("name", "line"),
        [
            ("c.py", "password = '{}'"),
            ("c.py", "connect(api_key='{}')"),
            ("conf.yaml", 'token: "{}"'),
            ("conf.toml", 'secret = "{}"'),
            ("conf.json", '{{"db_password": "{}"}}'),
        ],
    )
    def test_what_a_telling_name_is_given_is_refused(self, held, name, line):
        (said,) = held(files={name: line.format(PASSWORD)})
        assert f"{name}, line 1" in said
        assert PASSWORD not in said

    @pytest.mark.parametrize(
        ("name", "line"),
        [
            ("c.py", "token = 'identifier'"),
            ("c.py", "password = os.environ['DB_PASSWORD']"),
            ("c.py", "api_key = 'your-api-key-1234'"),
            ("c.py", "url = f'postgresql://{user}:{password}@{host}/x'"),
            ("c.py", "url = 'postgresql://user:password@localhost:5432/x'"),
            ("conf.yaml", 'token: "${TOKEN_1}"'),
            ("notes.md", f"Write `password = '{PASSWORD}'` there."),
            ("c.py", "name = 'task-management-and-planning-skill'"),
        ],
    )
    def test_what_is_none_is_let_through(self, held, name, line):
        assert held(files={name: line}) == []

    def test_a_line_that_says_so_is_let_through(self, held):
        secret = KNOWN["openai"]
        lines = f"a = '{secret}'  # headrace: not-secret\nb = '{secret}'\n"
        (said,) = held(files={"c.py": lines})
        assert "c.py, line 2," in said

    def test_a_file_that_the_project_says_so_of_is_let_through(self, held):
        files = {"data/conf.json": KNOWN["jwt"]}
        assert held(files=files, **{"not-secret": ["data/conf.json"]}) == []

    def test_data_of_other_kinds_is_not_read(self, held):
        assert held(files={"weights.bin": KNOWN["aws"]}) == []


def test_all_are_told_at_once(held):
    said = held(
        model_with(api_key=PASSWORD),
        parameters={"token": PASSWORD},
        files={"c.yaml": KNOWN["aws"]},
        flink={"s3.secret-key": PASSWORD},
    )
    assert len(said) == 4
