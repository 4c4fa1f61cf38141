"""The scripts: what they really give to Flink's command, as bash and Flink read it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from .conftest import BUNDLED, settings_in

SCRIPTS = ("run-application.sh", "submit-yarn.sh", "submit-yarn-session.sh")
SESSION = "application_1700000000000_0001"
STRANGE = "env.java.opts.all=-Da=b 'c' \"d\" $(id) `id` {{x}} \\ <CPS>"
"""What a shell, YARN and a parser of options each would read as theirs."""


@pytest.fixture
def words_of(workshop):
    """The words of a script, what it exports, and where it lies."""

    def run(script, *given, **options):
        make = workshop.kubernetes if script == "run-application.sh" else workshop.yarn
        folder = make(*given, **options)
        args = (SESSION,) if "session" in script else ()
        words, variables = workshop.words_of(folder, script, *args)
        return words, variables, workshop.folder / f"written-{script}"

    return run


def option(words, name):
    return words[words.index(name) + 1]


# ---------------------------------------------------------------- as scripts
@pytest.mark.parametrize("script", SCRIPTS)
def test_it_is_formatted_as_shfmt_does(workshop, script):
    make = workshop.kubernetes if script == "run-application.sh" else workshop.yarn
    out = workshop.written(make(STRANGE))
    shfmt = Path(sys.executable).with_name("shfmt")
    done = subprocess.run([shfmt, "-i", "4", "-d", out / script], capture_output=True, check=False)
    assert (done.returncode, done.stdout.decode()) == (0, "")


@pytest.mark.parametrize("script", SCRIPTS)
def test_it_says_what_it_lacks(workshop, script):
    make = workshop.kubernetes if script == "run-application.sh" else workshop.yarn
    out = workshop.written(make())
    done = subprocess.run(
        [out / script, SESSION],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "FLINK_HOME is not set" in done.stderr


def test_a_session_must_be_named(workshop):
    out = workshop.written(workshop.yarn())
    done = subprocess.run(
        [out / "submit-yarn-session.sh"], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "APPLICATION_ID" in done.stderr


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_strange_value_arrives_as_it_was_given(words_of, script):
    words, _, _ = words_of(script, STRANGE)
    assert f"-D{STRANGE}" in words


# ---------------------------------------------------------------- Kubernetes, without the operator
def test_application_mode_makes_the_deployment_that_was_asked_for(words_of):
    words, _, _ = words_of(
        "run-application.sh",
        name="orders",
        namespace="agents",
        image="demo:7",
        service_account="runner",
        parallelism=6,
        slots=3,
        memory="3g",
        cpu=1.5,
        state="s3://bucket/savepoint-1",
    )
    wanted = {
        "kubernetes.cluster-id": "orders",
        "kubernetes.namespace": "agents",
        "kubernetes.container.image.ref": "demo:7",
        "kubernetes.service-account": "runner",
        "kubernetes.taskmanager.cpu.amount": "1.5",
        "taskmanager.memory.process.size": "3072m",
        "taskmanager.numberOfTaskSlots": "3",
    }
    assert wanted.items() <= settings_in(words).items()
    assert option(words, "--target") == "kubernetes-application"
    assert option(words, "--parallelism") == "6"
    assert option(words, "--fromSavepoint") == "s3://bucket/savepoint-1"


@pytest.mark.parametrize(
    ("version", "command"), [("1.20.5", "run-application"), ("2.0.2", "run"), ("2.3.0", "run")]
)
def test_the_command_is_that_of_the_jobs_flink(workshop, version, command):
    job = workshop.subject(engine={**BUNDLED, "version": version})
    folders = {
        "run-application.sh": workshop.kubernetes(job=job),
        "submit-yarn.sh": workshop.yarn(job=job),
    }
    for script, folder in folders.items():
        words, _ = workshop.words_of(folder, script)
        assert words[0] == command


def test_its_pods_are_those_of_the_template_beside_it(words_of):
    words, _, folder = words_of("run-application.sh")
    template = settings_in(words)["kubernetes.pod-template-file.default"]
    assert template == str(folder / "pod-template.yaml")


def test_its_pods_are_those_of_the_operator(workshop):
    import yaml

    folder = workshop.kubernetes("a.b=c", checkpoints="pvc:state")
    operators = yaml.safe_load(folder.texts["flinkdeployment.yaml"])["spec"]
    assert yaml.safe_load(folder.texts["pod-template.yaml"]) == operators["podTemplate"]


# ---------------------------------------------------------------- YARN
def test_the_zip_goes_along_by_the_name_that_it_has_in_the_container(words_of):
    words, _, folder = words_of("submit-yarn.sh")
    shipped = Path(settings_in(words)["yarn.ship-files"])
    archive, target = option(words, "-pyarch").split("#")
    assert shipped == folder / "job.zip"
    assert shipped.is_file()
    assert archive == shipped.name
    assert option(words, "-pyexec") == f"{target}/bin/python"
    assert option(words, "-pyclientexec") == f"{target}/bin/python"
    assert option(words, "-pym") == f"{target}.main"


def test_the_folder_of_the_zip_has_a_name_that_no_module_of_the_author_has(words_of):
    """The driver is looked for as a module: a module of that name would be taken for it."""
    words, _, _ = words_of("submit-yarn.sh")
    assert option(words, "-pyarch").split("#")[1] == "headrace_job"


def test_a_container_is_as_large_as_was_asked_for(words_of):
    words, _, _ = words_of("submit-yarn.sh", memory="6g", cpu=3, slots=3, name="orders")
    wanted = {
        "taskmanager.memory.process.size": "6144m",
        "taskmanager.numberOfTaskSlots": "3",
        "yarn.containers.vcores": "3",
        "yarn.application.name": "orders",
    }
    assert wanted.items() <= settings_in(words).items()


def test_the_folder_of_the_secrets_is_told_to_all_containers(workshop):
    job = workshop.subject(secrets=[{"name": "KEY", "used_by": "llm"}])
    folder = workshop.yarn(job=job, secret="/run/keys")  # noqa: S106 - a folder
    words, _ = workshop.words_of(folder, "submit-yarn.sh")
    settings = settings_in(words)
    assert settings["containerized.master.env.HEADRACE_SECRETS"] == "/run/keys"
    assert settings["containerized.taskmanager.env.HEADRACE_SECRETS"] == "/run/keys"


def test_what_is_set_reaches_the_driver_through_yarns_own_shell(words_of):
    """YARN expands double braces, then writes `export NAME="value"` with nothing escaped."""
    key, value = STRANGE.split("=", 1)
    words, _, _ = words_of("submit-yarn.sh", STRANGE)
    told = settings_in(words)["containerized.master.env.HEADRACE_ORDER"]
    told = told.replace("<CPS>", ":").replace("{{", "$").replace("}}", "")
    done = subprocess.run(
        ["bash", "-c", f'export ORDER="{told}"\nprintf %s "$ORDER"'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == {"settings": {key: value}}


def test_a_session_is_joined_with_a_zip_that_is_here(words_of):
    words, _, folder = words_of("submit-yarn-session.sh")
    assert option(words, "--target") == "yarn-session"
    assert settings_in(words)["yarn.application.id"] == SESSION
    assert option(words, "-pyarch") == f"{folder / 'job.zip'}#headrace_job"


def test_a_session_keeps_its_own_sizes(words_of):
    words, _, _ = words_of("submit-yarn-session.sh", "yarn.tags=x", slots=4)
    assert not [
        key for key in settings_in(words) if key.startswith(("taskmanager.", "yarn.t", "job"))
    ]


def test_what_is_set_reaches_the_driver_that_a_session_starts_here(words_of):
    _, variables, _ = words_of("submit-yarn-session.sh", "a.b=c")
    assert json.loads(variables["HEADRACE_ORDER"]) == {"settings": {"a.b": "c"}}


# ---------------------------------------------------------------- as Flink reads them
@pytest.fixture(scope="module")
def known_settings(flink_home):
    """The names of all settings that classes of Flink's options have."""
    found = set()
    for path in flink_home.glob("lib/flink-dist-*.jar"):
        with zipfile.ZipFile(path) as jar:
            for name in jar.namelist():
                if re.search(r"org/apache/flink/.*Options\.class$", name):
                    texts = re.findall(rb"\x01..([a-zA-Z][\w.-]+)", jar.read(name), re.DOTALL)
                    found |= {text.decode() for text in texts}
    return found


@pytest.mark.parametrize("script", SCRIPTS)
def test_flink_knows_every_setting(words_of, known_settings, script):
    words, _, _ = words_of(script)
    names = {re.sub(r"^(containerized\.\w+\.env\.).*", r"\1", key) for key in settings_in(words)}
    assert names
    assert names <= known_settings


PARSE = """
import json, sys
from headrace.flink._java import ensure_java
ensure_java()
from pyflink.java_gateway import get_gateway

words = json.load(sys.stdin)
gateway = get_gateway()
jvm = gateway.jvm
cli = jvm.org.apache.flink.client.cli
array = gateway.new_array(jvm.String, len(words))
for place, word in enumerate(words):
    array[place] = word
generic = cli.GenericCLI(jvm.org.apache.flink.configuration.Configuration(), "/tmp")
own = jvm.org.apache.commons.cli.Options()
generic.addGeneralOptions(own)
generic.addRunOptions(own)
options = cli.CliFrontendParser.mergeOptions(cli.CliFrontendParser.getRunCommandOptions(), own)
line = cli.CliFrontendParser.parse(options, array, True)
print(json.dumps({
    "active": bool(generic.isActive(line)),
    "rest": list(line.getArgs()),
    "options": {
        one.getOpt(): one.getValue() for one in line.getOptions() if one.getOpt() != "D"
    },
    "settings": {k: v for k, v in generic.toConfiguration(line).toMap().items()},
}))
"""


@pytest.mark.slow
@pytest.mark.flink
@pytest.mark.parametrize("script", SCRIPTS)
def test_flinks_own_parser_takes_all_of_it(words_of, script):
    """It leaves what it does not know to the program: here nothing is left."""
    action, *words = words_of(
        script, STRANGE, state="hdfs:///savepoints/1" if "yarn" in script else "s3://b/1"
    )[0]
    done = subprocess.run(
        [sys.executable, "-c", PARSE],
        input=json.dumps(words),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout.splitlines()[-1])
    assert action == "run"
    assert read["active"]
    assert read["rest"] == []
    assert read["options"]["t"] == option(words, "--target")
    assert read["options"]["p"] == "2"
    assert read["options"]["s"].endswith("/1")
    assert read["options"]["pyexec"] == option(words, "-pyexec")
    assert read["options"]["pyclientexec"] == option(words, "-pyclientexec")
    assert ("py" in read["options"]) is (script == "run-application.sh")
    settings = settings_in(words)
    assert {key: read["settings"].get(key) for key in settings} == settings
