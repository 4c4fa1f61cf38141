"""Merge the log files of run.sh into flink-logs.jsonl, and write expected.json.

usage: collect.py OUT_DIR     (with FLINK_HOME, PYTHON and WORK as for run.sh)

What changes in a record: paths of this machine and its host name become neutral
ones, stack traces keep at most 25 lines (every cut is marked "... (N lines
trimmed)"), the trace is joined to the message, and the environment variables
that Beam prints as "payload" go. Records of three kinds (CHATTER) are left out.
"""
import itertools
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

MAX_LINES = 25
HERE = Path(__file__).resolve().parent
WORK, FLINK_HOME, PYTHON = (os.environ[k] for k in ("WORK", "FLINK_HOME", "PYTHON"))
CHATTER = re.compile(
    r"org\.apache\.flink\.core\.plugin\.DefaultPluginManager Plugin loader with ID"
    r"|org\.apache\.flink\.runtime\.state\.StateBackendLoader State backend is set to heap memory"
    r"|org\.apache\.pekko\.event\.slf4j\.Slf4jLogger Slf4jLogger started")
PAYLOAD = re.compile(r'payload: "(?:[^"\\]|\\.)*"')
DAEMONS = {"standalonesession": "jobmanager", "taskexecutor": "taskmanager"}

# What was provoked, by what run.sh did: cluster, start of its note -> class, the processes it concerns.
PROVOKED = {
    ("payments", "kill -9"): ("taskmanager_lost", ["jobmanager-1", "taskmanager-1"]),
    ("payments", "kill -STOP"): ("taskmanager_lost", ["jobmanager-1", "taskmanager-1"]),
    ("clicks", "a job"): ("user_function_failed", ["jobmanager-1", "taskmanager-1"]),
    ("fraud", "the checkpoint"): ("checkpoint_failed", ["jobmanager-1"]),
    ("search", "jobmanager-2"): ("port_in_use", ["jobmanager-2"]),
    ("search", "taskmanager-2"): ("port_in_use", ["taskmanager-2"]),
    ("search", "jobmanager-3"): ("port_in_use", ["jobmanager-3"]),
    ("ads", "a job"): ("slots_exhausted", ["jobmanager-1"]),
}


def neutral_paths():
    out = subprocess.run([PYTHON, "-c", "import sys; print(sys.prefix); print(sys.base_prefix)"],
                         capture_output=True, text=True, check=True).stdout.split()
    home = os.path.dirname(os.path.realpath(FLINK_HOME + "/lib"))
    names = {str(HERE / "jobs"): "/opt/jobs", WORK: "/var/flink", FLINK_HOME: "/opt/flink",
             out[0]: "/opt/venv", out[1]: "/usr/local"}
    names |= {f"{home}/{d}": f"/opt/flink/{d}" for d in ("bin", "conf", "lib", "opt", "plugins")}
    return sorted(names.items(), key=lambda kv: -len(kv[0]))


def trim(text):
    """At most MAX_LINES lines: shorten runs of Java frames (their top stays) and of
    Python frames (their end stays), as little as will do; other lines stay."""
    lines = text.rstrip("\n").split("\n")
    if len(lines) <= MAX_LINES:
        return "\n".join(lines)
    kind = lambda s: "java" if s.startswith(("\tat ", "\t... ")) else "python" if s.startswith("  ") else ""
    runs = [(k, list(g)) for k, g in itertools.groupby(lines, kind)]
    for keep in range(12, 0, -1):
        out = []
        for k, run in runs:
            n = keep if k == "java" else max(keep, 2)
            if not k or len(run) <= n + 1:
                out += run
            elif k == "java":
                out += run[:n] + [f"\t... ({len(run) - n} lines trimmed)"]
            else:
                out += [f"  ... ({len(run) - n} lines trimmed)"] + run[-n:]
        if len(out) <= MAX_LINES:
            return "\n".join(out)
    head, tail = out[:10], out[-(MAX_LINES - 11):]
    return "\n".join(head + [f"... ({len(out) - len(head) - len(tail)} lines trimmed)"] + tail)


def main(out_dir):
    paths, host = neutral_paths(), re.compile(rf"(?<![\w./-]){re.escape(socket.gethostname())}(?![\w/-])")
    records, unreadable, left_out = [], 0, 0
    for log in sorted(Path(WORK).glob("*/log/*.log")):
        m = re.fullmatch(r"flink-flink-(\w+)-(\d+)-flink-host", log.stem)
        if not m or m[1] not in DAEMONS:
            continue  # logs of the command line client
        cluster, source = log.parts[-3], f"{DAEMONS[m[1]]}-{int(m[2]) + 1}"
        for line in log.read_text(errors="replace").splitlines():
            try:
                r = json.loads(line)
            except ValueError:
                unreadable += 1
                continue
            text = PAYLOAD.sub('payload: "... (environment trimmed)"', r["message"])
            if CHATTER.match(f"{r['logger']} {text}"):
                left_out += 1
                continue
            if r.get("stack"):
                text += "\n" + r["stack"]
            for old, new in paths:
                text = text.replace(old, new)
            text = host.sub("flink-host", trim(text))
            records.append({"cluster": cluster, "source": source, "time": r["time"], "level": r["level"],
                            "logger": r["logger"], "thread": r["thread"], "message": text})
    records.sort(key=lambda r: r["time"])
    with open(out_dir / "flink-logs.jsonl", "w") as f:
        f.writelines(json.dumps(r, ensure_ascii=False) + "\n" for r in records)

    clusters = {c: None for c in sorted({r["cluster"] for r in records})}
    incidents = []
    for line in (Path(WORK) / "provoked.tsv").read_text().splitlines():
        at, cluster, what = line.split("\t")
        cls, sources = next(v for (c, w), v in PROVOKED.items() if c == cluster and what.startswith(w))
        clusters[cluster] = cls
        incidents.append({"class": cls, "cluster": cluster, "source": sources[0], "sources": sources,
                          "from": at, "what": what})
    (out_dir / "expected.json").write_text(
        json.dumps({"clusters": clusters, "incidents": incidents}, indent=1) + "\n")
    print(f"{len(records)} records; left out: {left_out} of chatter, {unreadable} unreadable")


main(Path(sys.argv[1]))
