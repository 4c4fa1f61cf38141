"""The client of Flink's REST API and what may stand at an address: faults, strangers, credentials.

The answers are Flink 2.3's, as far as they are Flink's.
"""

from __future__ import annotations

import email
import email.policy
import json
import socket
import ssl
import threading

import pytest
import trustme

from headrace_registry.clusters import (
    ClusterAccessError,
    ClusterUnreachableError,
    FlinkRest,
    LogReader,
    NoSuchJobError,
    NoSuchTaskManagerError,
    NotAClusterError,
    RejectedError,
    RestLimits,
)

from .answering import answering

JOB = "5a8a4290e558a92894c6910819969e84"
OVERVIEW = {
    "taskmanagers": 1,
    "slots-total": 2,
    "slots-available": 1,
    "jobs-running": 1,
    "flink-version": "2.3.0",
}
QUICK = RestLimits(connect=1, silence=1, answer=10_000, log=10_000)


@pytest.fixture(autouse=True)
def nobody(monkeypatch, tmp_path):
    """No credentials but a test's own."""
    monkeypatch.delenv("HEADRACE_FLINK_TOKEN", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


@pytest.fixture
def answers():
    with answering() as found:
        yield found


@pytest.fixture
def rest(answers):
    with FlinkRest(answers.address, limits=QUICK) as found:
        yield found


# ---------------------------------------------------------------- who answers
def test_nobody_answers():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with FlinkRest(address) as rest, pytest.raises(ClusterUnreachableError) as told:
            rest.overview()
    assert address in str(told.value)
    assert "refused" in str(told.value)
    assert "next:" in str(told.value)


def test_a_silent_one_is_not_waited_for_for_ever():
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        limits = RestLimits(connect=0.3, silence=0.3)
        with FlinkRest(address, limits=limits) as rest, pytest.raises(ClusterUnreachableError):
            rest.overview()


def test_one_that_speaks_no_http_is_no_cluster():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet():
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                with peer:
                    peer.recv(4096)
                    peer.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        threading.Thread(target=greet, daemon=True).start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with FlinkRest(address) as rest, pytest.raises(NotAClusterError, match="no HTTP"):
            rest.overview()


@pytest.mark.parametrize(
    ("body", "more"),
    [
        (b"<html>hello</html>", {"kind": "text/html"}),
        (b"[]", {}),
        (b'{"version": 1}', {}),
        (b'{"flink-version": "2.3.0", "taskmanagers": "many"}', {}),
        (b"[" * 9_000, {}),
        (b"no", {"status": 404, "kind": "text/plain"}),
        (b"", {"status": 302, "Location": "https://login.example/?next=1"}),
        (b'{"a": "' + b"x" * 20_000 + b'"}', {}),
    ],
    ids=["page", "list", "other", "types", "deep", "missing", "elsewhere", "large"],
)
def test_what_flink_would_not_say_is_not_taken(answers, rest, body, more):
    answers.say("/overview", body, **more)
    with pytest.raises(NotAClusterError, match="no Flink cluster"):
        rest.overview()


@pytest.mark.parametrize(
    "address",
    ["", "ftp://a:1", "http://", "http://user:secret@host:1", "host:port", "http://h/?a=b"],
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(NotAClusterError) as told:
        FlinkRest(address)
    assert "secret" not in str(told.value)


def test_an_address_may_have_a_path(answers):
    answers.say("/clusters/one/overview", OVERVIEW)
    with FlinkRest(f"http://{answers.address}/clusters/one/") as rest:
        assert rest.overview().slots_available == 1


def test_a_jobmanager_that_cannot_answer_now_is_told_from_a_stranger(answers, rest):
    leader = "Service temporarily unavailable due to an ongoing leader election. Please refresh."
    answers.refuse("/overview", leader, status=503)
    with pytest.raises(ClusterUnreachableError, match="leader election"):
        rest.overview()


# ---------------------------------------------------------------- what Flink refuses
def test_flinks_own_reason_is_told_without_its_stack(answers, rest):
    answers.refuse(
        f"/jobs/{JOB}/savepoints",
        "org.apache.flink.runtime.rest.handler.RestHandlerException: Config key "
        "[execution.checkpointing.savepoint-dir] is not set. Property [targetDirectory] must be "
        "provided.\n\tat org.apache.flink.runtime.A.b(A.java:1)\n",
    )
    with pytest.raises(RejectedError) as told:
        rest.savepoint(JOB)
    assert "savepoint-dir] is not set" in str(told.value)
    assert "java" not in str(told.value)
    assert "next:  give a folder" in str(told.value)


@pytest.mark.parametrize(
    "words",
    [f"Job {JOB} not found", "Job could not be found.", f"Could not find Flink job ({JOB})"],
)
def test_a_job_that_is_gone(answers, rest, words):
    answers.refuse(f"/jobs/{JOB}", f"org.apache.flink.rest.NotFoundException: {words}", status=404)
    with pytest.raises(NoSuchJobError, match=JOB):
        rest.job(JOB)


def test_a_taskmanager_that_is_gone(answers, rest):
    answers.refuse("/taskmanagers/a/logs", "...: Could not find TaskExecutor a\n", status=404)
    with pytest.raises(NoSuchTaskManagerError):
        rest.logs("a")


def test_a_change_is_asked_for_once_even_when_the_answer_is_lost(answers, rest):
    answers.say(f"/jobs/{JOB}", {}, status=503)
    with pytest.raises(ClusterUnreachableError):
        rest.cancel(JOB)
    assert [one[0] for one in answers.asked] == ["PATCH"]


# ---------------------------------------------------------------- credentials
def sent(answers):
    return answers.asked[-1][2].get("Authorization")


def test_a_token_is_sent_to_this_machine(answers, monkeypatch):
    monkeypatch.setenv("HEADRACE_FLINK_TOKEN", "letmein")
    answers.say("/overview", OVERVIEW)
    with FlinkRest(answers.address) as rest:
        rest.overview()
    assert sent(answers) == "Bearer letmein"


def test_netrc_gives_user_and_password(answers, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ada password s3\n")
    answers.say("/overview", OVERVIEW)
    with FlinkRest(answers.address) as rest:
        rest.overview()
    assert sent(answers) == "Basic YWRhOnMz"


def test_nothing_is_sent_without_tls_to_other_machines(answers, monkeypatch):
    monkeypatch.setenv("HEADRACE_FLINK_TOKEN", "letmein")
    answers.say("/overview", OVERVIEW)
    # As a proxy, the server is asked what is meant for another machine.
    with FlinkRest("flink.example:8081", proxy=f"http://{answers.address}") as rest:
        answers.by_path["http://flink.example:8081/overview"] = answers.by_path["/overview"]
        rest.overview()
    assert sent(answers) is None


def test_proxies_of_the_environment_are_not_used(answers, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    answers.say("/overview", OVERVIEW)
    with FlinkRest(answers.address) as rest:
        assert rest.overview().flink_version == "2.3.0"


@pytest.mark.parametrize("status", [401, 403])
def test_wrong_credentials_are_told_and_not_shown(answers, monkeypatch, status):
    monkeypatch.setenv("HEADRACE_FLINK_TOKEN", "letmein")
    answers.say("/overview", b"go away", status=status, kind="text/plain")
    with FlinkRest(answers.address) as rest, pytest.raises(ClusterAccessError) as told:
        rest.overview()
    assert "HEADRACE_FLINK_TOKEN" in str(told.value)
    assert "letmein" not in str(told.value)


def test_a_cluster_with_authorities_of_its_own(tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    data = json.dumps(OVERVIEW).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n".encode()

    def serve(server):
        while True:
            try:
                peer, _ = server.accept()
            except ssl.SSLError:
                continue  # who does not trust us hangs up
            except OSError:
                return
            with peer:
                peer.recv(4096)
                peer.sendall(head + data)

    with (
        socket.create_server(("127.0.0.1", 0)) as plain,
        context.wrap_socket(plain, server_side=True) as server,
    ):
        threading.Thread(target=serve, args=[server], daemon=True).start()
        url = f"https://localhost:{server.getsockname()[1]}"
        with FlinkRest(url, ca=tmp_path / "ca.pem") as rest:
            assert rest.overview().taskmanagers == 1
        with FlinkRest(url) as rest, pytest.raises(ClusterAccessError, match="--ca"):
            rest.overview()


def test_a_file_of_authorities_that_is_none(tmp_path):
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(ClusterAccessError, match="authorities"):
        FlinkRest("https://flink.example", ca=tmp_path / "ca.pem")


# ---------------------------------------------------------------- submitting
def parts_of(answers):
    _, _, headers, body = answers.asked[-1]
    head = f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + body, policy=email.policy.HTTP)
    return {part.get_param("name", header="content-disposition"): part for part in message.walk()}


def test_a_job_is_uploaded_as_flink_takes_it(answers, rest, tmp_path):
    graph, jar, zipped = tmp_path / "graph", tmp_path / "a b.jar", tmp_path / "job.zip"
    graph.write_bytes(b"plan" * 100_000)
    jar.write_bytes(b"jar")
    zipped.write_bytes(b"zip")
    answers.say("/jobs", {"jobUrl": f"/jobs/{JOB}"}, status=202)
    told = []
    with FlinkRest(answers.address) as open_rest:
        job = open_rest.submit(
            graph,
            jars=[jar],
            artifacts={"python_archive_0": zipped},
            progress=lambda *one: told.append(one),
        )
    assert job == JOB
    parts = parts_of(answers)
    request = json.loads(parts["request"].get_payload())
    by_name = {one.get_filename(): one.get_payload(decode=True) for one in parts.values()}
    assert by_name[request["jobGraphFileName"]] == b"plan" * 100_000
    assert [by_name[one] for one in request["jobJarFileNames"]] == [b"jar"]
    (artifact,) = request["jobArtifactFileNames"]
    assert artifact["entryName"] == "python_archive_0"
    assert by_name[artifact["fileName"]] == b"zip"
    assert told[-1] == (400_006, 400_006)
    assert told == sorted(told)


def test_a_job_that_flink_does_not_take(answers, rest, tmp_path):
    (tmp_path / "graph").write_bytes(b"nonsense")
    said = "...RestHandlerException: Failed to deserialize JobGraph.\n\tat a.B.c(B.java:1)"
    answers.refuse("/jobs", f"org.apache.flink{said}")
    with pytest.raises(RejectedError, match="Failed to deserialize JobGraph"):
        rest.submit(tmp_path / "graph")


# ---------------------------------------------------------------- logs
def test_a_log_is_given_line_by_line_and_each_line_once(answers, rest):
    answers.say("/taskmanagers/a/log", b"one\ntwo\nthr", kind="text/plain")
    reader = LogReader(rest, "a")
    assert list(reader.lines()) == ["one", "two"]
    assert list(reader.lines()) == []
    answers.say("/taskmanagers/a/log", b"one\ntwo\nthree\n", kind="text/plain")
    assert list(reader.lines()) == ["three"]


def test_a_log_that_was_begun_anew_is_read_from_its_start(answers, rest):
    answers.say("/taskmanagers/a/log", b"one\ntwo\nthree\n", kind="text/plain")
    reader = LogReader(rest, "a")
    assert len(list(reader.lines())) == 3
    answers.say("/taskmanagers/a/log", b"new\n", kind="text/plain")
    assert list(reader.lines()) == ["new"]


def test_the_last_line_is_given_without_its_end_where_it_is_wanted(answers, rest):
    answers.say("/taskmanagers/a/log", b"one\ntw", kind="text/plain")
    assert list(LogReader(rest, "a").lines(unfinished=True)) == ["one", "tw"]


def test_python_workers_lines_are_told_from_others(answers, rest):
    text = (
        "2026-01-01 00:00:00,000 INFO  PythonWorker   [] - first\n  more of it\n"
        "2026-01-01 00:00:01,000 INFO  org.apache.flink.A   [] - other\n\tat its trace\n"
    )
    answers.say("/taskmanagers/a/log", text.encode(), kind="text/plain")
    assert list(LogReader(rest, "a", python=True).lines()) == [
        "2026-01-01 00:00:00,000 INFO  PythonWorker   [] - first",
        "  more of it",
    ]


def test_a_line_does_not_steer_the_terminal(answers, rest):
    answers.say("/taskmanagers/a/log", b"\x1b[2Jgone\r\n\xff\n", kind="text/plain")
    assert list(LogReader(rest, "a").lines()) == [" [2Jgone", "\ufffd"]


def test_a_log_without_end_is_given_up(answers, rest):
    answers.say("/taskmanagers/a/log", b"x\n" * 10_000, kind="text/plain")
    with pytest.raises(NotAClusterError, match="10000 bytes"):
        list(LogReader(rest, "a").lines())
