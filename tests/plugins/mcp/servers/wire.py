"""A server of the protocol of 2025-11-25, written by hand, that can also do what no server should.

Started as ``python wire.py FOLDER``: reads FOLDER/script.json, and writes each message that it gets
as a line of FOLDER/received.jsonl, which the tests hold against the SDK's types.

Needs nothing but the standard library, so it starts at once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path


class Wire:
    def __init__(self, folder):
        self.folder = folder
        self.script = json.loads((folder / "script.json").read_text())
        self.received = []
        self.pages = self.script["tools"]
        self.asked = {}
        self.calls = 0

    def serve(self):
        with (self.folder / "received.jsonl").open("a") as kept:
            for line in sys.stdin:
                kept.write(line)
                kept.flush()
                message = json.loads(line)
                self.received.append(message)
                self.take(message)

    def take(self, message):
        method, number = message.get("method"), message.get("id")
        if method is None:
            self.answered(message)
        elif number is not None:
            handle = getattr(self, "on_" + method.replace("/", "_"), None)
            if handle is None:
                self.fail(number, -32601, "Method not found")
            else:
                handle(number, message.get("params", {}))

    # ------------------------------------------------------------ writing
    def send(self, message):
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        sys.stdout.flush()

    def answer(self, number, result):
        self.send({"id": number, "result": result})

    def say(self, number, text, **more):
        self.answer(number, {"content": [{"type": "text", "text": text}], **more})

    def fail(self, number, code, message, **more):
        self.send({"id": number, "error": {"code": code, "message": message, **more}})

    # ------------------------------------------------------------ requests
    def on_initialize(self, number, params):
        if self.script.get("dies_at_start"):
            sys.stderr.write(self.script["dies_at_start"])
            sys.exit(4)
        if self.script.get("never_ready"):
            return
        version = "2025-11-25"
        self.answer(
            number,
            {
                "protocolVersion": version,
                "serverInfo": {"name": "wire", "version": self.script.get("version", "1")},
                "capabilities": self.script.get("capabilities", {"tools": {"listChanged": True}}),
                "instructions": self.script.get("instructions", "Be careful."),
            },
        )

    def on_tools_list(self, number, params):
        size = self.script.get("page", len(self.pages) or 1)
        start = int(params.get("cursor", 0))
        page = {"tools": self.pages[start : start + size]}
        if start + size < len(self.pages):
            page["nextCursor"] = str(start + size)
        self.answer(number, page)

    def on_tools_call(self, number, params):
        self.calls += 1
        name, arguments = params["name"], params.get("arguments", {})
        do = getattr(self, "do_" + name.rpartition(".")[2], None)
        if do is None:
            self.say(number, f"{name}: {json.dumps(arguments, sort_keys=True)}")
        else:
            do(number, params, **arguments)

    def answered(self, message):
        original = self.asked.pop(message["id"])
        self.say(original, json.dumps(message.get("error") or message["result"]))

    # ------------------------------------------------------------ what tools do
    def do_never(self, number, params):
        # Says that it has begun, so that a test need not guess.
        self.progress(params)

    def do_advance(self, number, params):
        self.progress(params)
        self.say(number, "advanced")

    def progress(self, params, done=1):
        token = params.get("_meta", {}).get("progressToken")
        if token is not None:
            told = {"progressToken": token, "progress": done, "total": 3, "message": "begun"}
            self.send({"method": "notifications/progress", "params": told})

    def do_die(self, number, params, once=""):
        if once and Path(once).exists():
            self.say(number, "alive")
            return
        if once:
            Path(once).touch()
        sys.stderr.write("the disk is full\n" + self.script.get("last_words", ""))
        sys.stderr.flush()
        os._exit(3)

    do_look = do_die

    def do_junk(self, number, params):
        sys.stdout.write("Server listening...\n\n{half\n")
        self.say(number, "after the junk")

    def do_unreadable(self, number, params):
        self.send({"id": number, "result": 5})

    def do_lone(self, number, params):
        self.answer(number, {"text": "\ud800"})

    def do_bad(self, number, params):
        self.answer(number, {"content": "no list"})

    def do_long(self, number, params):
        self.say(number, "x" * (17 * 1024 * 1024))

    def do_change(self, number, params):
        self.pages = self.script["later"]
        self.send({"method": "notifications/tools/list_changed"})
        self.say(number, "changed")

    def do_log(self, number, params):
        told = {"level": "warning", "logger": "wire", "data": "hot\x1b[31m"}
        self.send({"method": "notifications/message", "params": told})
        self.say(number, "logged")

    def do_sample(self, number, params):
        self.asked["s1"] = number
        said = {"role": "user", "content": {"type": "text", "text": "Say hello."}}
        self.send(
            {
                "id": "s1",
                "method": "sampling/createMessage",
                "params": {"messages": [said], "maxTokens": 5},
            }
        )

    def do_elicit(self, number, params):
        self.asked["e1"] = number
        form = {"type": "object", "properties": {"name": {"type": "string"}}}
        wanted = {"mode": "form", "message": "Who are you?", "requestedSchema": form}
        self.send({"id": "e1", "method": "elicitation/create", "params": wanted})

    def do_refuse(self, number, params):
        self.fail(number, -32000, "busy\x1b[0m", data={"queue": 7})

    def do_failing(self, number, params, reason):
        self.say(number, f"no: {reason}", isError=True)

    def do_silent(self, number, params):
        self.answer(number, {"content": [], "isError": True})

    def do_answer(self, number, params, result):
        self.answer(number, result)

    def do_seen(self, number, params):
        self.say(number, json.dumps(self.received))

    def do_where(self, number, params):
        told = {"pid": os.getpid(), "env": dict(os.environ), "cwd": str(Path.cwd())}
        told["calls"] = self.calls
        told["args"] = sys.argv[2:]
        self.say(number, json.dumps(told))

    def do_child(self, number, params):
        # A child that keeps the pipes open and does not care about its parent.
        child = subprocess.Popen(["sleep", "600"])
        self.say(number, str(child.pid))


if __name__ == "__main__":
    Wire(Path(sys.argv[1])).serve()
