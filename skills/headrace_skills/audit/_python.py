"""Python, read as a tree: what it runs and reaches, and where secrets and downloads flow."""

from __future__ import annotations

import ast
import re
import warnings
from typing import TYPE_CHECKING

from headrace_skills.audit._hits import Hit, Seen
from headrace_skills.audit._python_flow import MAX_PATH, Flow
from headrace_skills.audit._python_values import UNKNOWN, dotted
from headrace_skills.audit._rules import phrase
from headrace_skills.audit._table import made, names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace_skills.audit._files import Language
    from headrace_skills.audit._sources import Source

__all__ = ["read_python"]

MAX_NODES = 60_000
_SHOWN = 200  # characters of what was found

_SENDING = names("python-sending-functions")
_SHELLS = names("python-shell-functions")
_LOADERS = names("python-loading-functions")
_RUNNERS = names("python-running-functions")
_REMOVERS = names("python-removing-functions")
_WRITERS = names("python-writing-methods")
_OPENERS = names("python-opening-methods")
_CONNECTORS = ("HTTPSConnection", "HTTPConnection", "SMTP", "FTP", "create_connection")
_STARTS = re.compile(
    r"(?:subprocess\.(?:run|Popen|call|check_call|check_output)|os\.(?:exec|spawn|posix_spawn)\w*"
    r"|pty\.spawn|asyncio\.create_subprocess_(?:exec|shell))"
)
_URL = re.compile(r"(?:https?|ftp|wss?)://([^\s/\"'<>)\]`…]+)")


def read_python(source: Source) -> Iterator[Hit | Seen | Source]:
    """Find what Python code does, and what is wrong with it."""
    if source.language != "python":
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that the skill's author wrote
            tree = ast.parse(source.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        if source.role == "file" and not source.decoded and source.text.strip():
            yield made("python/unreadable", 0, 0)
        return
    nodes = list(_bounded(tree))
    yield from _Reader(source, nodes).read()


def _bounded(tree: ast.AST) -> Iterator[ast.AST]:
    for count, node in enumerate(ast.walk(tree)):
        if count >= MAX_NODES:
            return
        yield node


class _Reader:
    """One pass over one module."""

    def __init__(self, source: Source, nodes: list[ast.AST]) -> None:
        self._source = source
        self._nodes = nodes
        self._calls = [node for node in nodes if isinstance(node, ast.Call)]
        self._flow = Flow(nodes)
        self._values = self._flow.values
        self._lines = [0]
        for line in source.text.split("\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)
        self._secret_file = phrase("secret-file")

    def read(self) -> Iterator[Hit | Seen | Source]:
        yield from self._imports()
        self._flow.gather()
        for call in self._calls:
            yield from self._call(call)
        yield from self._texts()
        yield from self._shells_out()

    # ------------------------------------------------------------ places

    def _start(self, node: ast.AST) -> int:
        line = getattr(node, "lineno", 1)
        begin = self._lines[min(line, len(self._lines)) - 1]
        # ast counts bytes; a line with other letters is a little off, and stays the same line.
        return begin + getattr(node, "col_offset", 0)

    def _hit(self, rule: str, node: ast.AST) -> Hit:
        start = self._start(node)
        end = self._lines[min(getattr(node, "end_lineno", 1) or 1, len(self._lines) - 1)] - 1
        return made(f"python/{rule}", start, min(max(end, start), start + _SHOWN))

    def _embedded(self, language: Language, text: str, node: ast.AST, *codes: str) -> Source:
        return self._source.within(language, text, self._start(node), *codes)

    # ------------------------------------------------------------ names

    def _imports(self) -> Iterator[Seen]:
        for node in self._nodes:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    top = alias.name.partition(".")[0]
                    self._values.aliases[alias.asname or top] = alias.name if alias.asname else top
                    yield Seen("imports", top, self._start(node))
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    self._values.aliases[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                yield Seen("imports", node.module.partition(".")[0], self._start(node))

    # ------------------------------------------------------------ calls

    def _call(self, call: ast.Call) -> Iterator[Hit | Seen | Source]:
        name = self._values.real(call.func)
        last = name.rpartition(".")[2]
        yield from self._environment(call, name)
        if self._flow.is_network(call.func):
            yield from self._network(call, name, last)
        if name in _RUNNERS or name in _LOADERS:
            yield from self._made_up(call, name)
        if name == "getattr" and len(call.args) > 1:
            yield from self._looked_up(call)
        if name in _SHELLS or _STARTS.fullmatch(name):
            yield from self._program(call, name)
        if last in _WRITERS or name.startswith("shutil.copy") or _opens_to_write(call, last):
            yield from self._written(call, last)
        if name in _REMOVERS or last in ("unlink", "rmdir", "rmtree"):
            yield from self._removed(call)

    def _environment(self, call: ast.Call, name: str) -> Iterator[Seen]:
        if name in ("os.environ.get", "os.getenv", "environ.get") and call.args:
            variable = self._values.text(call.args[0])
            if variable and UNKNOWN not in variable:
                yield Seen("reads", f"${variable}", self._start(call))

    def _network(self, call: ast.Call, name: str, last: str) -> Iterator[Hit | Seen]:
        given = [*call.args, *(one.value for one in call.keywords)]
        for one in given:
            if isinstance(one, ast.Tuple) and one.elts and last in ("connect", "create_connection"):
                one = one.elts[0]  # noqa: PLW2901 - (host, port)
                if host := self._values.text(one):
                    yield Seen("reaches", host, self._start(call))
            text = self._values.text(one)
            if text and (match := _URL.search(text)):
                yield Seen("reaches", match[1].rpartition("@")[2], self._start(call))
            elif text and last in _CONNECTORS:
                yield Seen("reaches", text.partition(":")[0], self._start(call))
        if last not in _SENDING:
            return
        yield Seen("sends", name, self._start(call))
        flows = self._flow.all_labels(given)
        if "secret" in flows:
            yield self._hit("secrets-sent", call)
        elif "environment" in flows:
            yield self._hit("environment-sent", call)

    def _made_up(self, call: ast.Call, name: str) -> Iterator[Hit | Source]:
        first = call.args[0] if call.args else None
        flows = self._flow.labels(first)
        text = self._values.text(first)
        last = name.rpartition(".")[2]
        if "downloaded" in flows:
            yield self._hit("runs-download", call)
        elif name.startswith(("marshal", "types.")):
            yield self._hit("compiled-code", call)
        elif name in _LOADERS:
            yield self._hit("unpickles", call)
        elif "decoded" in flows and last != "import_module":
            yield self._hit("runs-decoded", call)
        elif last == "__import__" and not isinstance(first, ast.Constant):
            yield self._hit("computed-import", call)
        elif last in ("exec", "eval") and not isinstance(first, ast.Constant):
            yield self._hit("dynamic-code", call)
        if text and UNKNOWN not in text and last in ("exec", "eval", "compile"):
            codes = ("Python",) if isinstance(first, ast.Constant) else ("code",)
            yield self._embedded("python", text, call, *codes)

    def _looked_up(self, call: ast.Call) -> Iterator[Hit]:
        holder = self._values.real(call.args[0])
        text = self._values.text(call.args[1])
        written = isinstance(call.args[1], ast.Constant)
        if holder in ("__builtins__", "builtins", "__import__") or (
            text in ("exec", "eval", "system") and not written
        ):
            yield self._hit("hidden-call", call)

    def _program(self, call: ast.Call, name: str) -> Iterator[Hit | Seen | Source]:
        first = call.args[0] if call.args else None
        if isinstance(first, (ast.List, ast.Tuple)):
            yield from self._words(call, first.elts)
            return
        by_shell = name in _SHELLS or name.endswith("_shell") or _asks_for_shell(call)
        flows = self._flow.labels(first)
        if by_shell and "downloaded" in flows and not isinstance(first, ast.JoinedStr):
            yield self._hit("runs-download", call)
        text = self._values.text(first)
        if text is not None:
            codes = ("code",) if "decoded" in flows else ()
            yield self._embedded("shell", text, call, *codes)
        elif by_shell and first is not None:
            yield self._hit("computed-command", call)

    def _words(self, call: ast.Call, given: list[ast.expr]) -> Iterator[Hit | Seen | Source]:
        words = [self._values.text(one) for one in given]
        if words[1:2] in (["-c"], ["-e"], ["/c"]):
            if "downloaded" in self._flow.all_labels(given[2:3]):
                yield self._hit("runs-download", call)
        elif "downloaded" in self._flow.all_labels(given[:1]):
            yield self._hit("runs-download", call)
        if words and words[0] and UNKNOWN not in words[0]:
            yield Seen("runs", words[0].rpartition("/")[2], self._start(call))
        known = [word for word in words if word is not None]
        if len(known) == len(words):
            yield self._embedded("shell", " ".join(map(_quoted, known)), call)

    def _written(self, call: ast.Call, last: str) -> Iterator[Hit | Seen]:
        targets: list[ast.expr] = []
        if isinstance(call.func, ast.Attribute):
            targets.append(call.func.value)
        if last == "open":
            targets += call.args[:1]
        elif last.startswith("copy"):
            targets += call.args[1:2]
        flows = self._flow.all_labels(targets)
        if "start-up" in flows:
            yield Seen("writes", "a file that is run at a start", self._start(call))
            yield self._hit("start-up-file", call)
        if "agent" in flows:
            yield Seen("writes", "a file that agents read", self._start(call))
            yield self._hit("changes-agent", call)

    def _removed(self, call: ast.Call) -> Iterator[Hit]:
        target: ast.expr | None = call.args[0] if call.args else None
        if isinstance(call.func, ast.Attribute) and self._values.real(call.func) not in _REMOVERS:
            target = call.func.value
        if "home" in self._flow.labels(target):
            yield self._hit("removes-home", call)

    # ------------------------------------------------------------ what shows in the whole

    def _texts(self) -> Iterator[Hit | Seen]:
        """Variables that are read, and files of secrets that are opened."""
        reported: set[str] = set()
        for node in self._nodes:
            if isinstance(node, ast.Subscript) and self._values.real(node.value) == "os.environ":
                variable = self._values.text(node.slice)
                if variable and UNKNOWN not in variable:
                    yield Seen("reads", f"${variable}", self._start(node))
        for call in self._calls:
            match = self._secret_file.search(self._opened(call))
            if match and match[0] not in reported:
                reported.add(match[0])
                yield Seen("takes", match[0], self._start(call))
                yield self._hit("reads-secrets", call)

    def _opened(self, call: ast.Call) -> str:
        """The paths that a call opens; empty where it opens none."""
        if dotted(call.func).rpartition(".")[2] not in _OPENERS:
            return ""
        parts = [self._values.text(one) for one in call.args[:1]]
        if isinstance(call.func, ast.Attribute):
            parts.append(self._values.text(call.func.value))
        return "\n".join(part for part in parts if part and len(part) < MAX_PATH)

    def _shells_out(self) -> Iterator[Hit]:
        """A shell whose input and output are a connection."""
        called = {self._values.real(call.func): call for call in self._calls}
        connects = any(name.startswith("socket.") for name in called)
        starts = any(_STARTS.fullmatch(name) for name in called)
        if connects and starts and "os.dup2" in called:
            yield self._hit("reverse-shell", called["os.dup2"])


def _asks_for_shell(call: ast.Call) -> bool:
    return any(
        one.arg == "shell" and isinstance(one.value, ast.Constant) and bool(one.value.value)
        for one in call.keywords
    )


def _opens_to_write(call: ast.Call, last: str) -> bool:
    if last != "open":
        return False
    modes = [*call.args[:2], *(one.value for one in call.keywords if one.arg == "mode")]
    return any(
        isinstance(one, ast.Constant)
        and isinstance(one.value, str)
        and re.fullmatch(r"[rwxatb+]{1,4}", one.value)
        and set(one.value) & set("wax+")
        for one in modes
    )


def _quoted(word: str) -> str:
    return word if re.fullmatch(r"[\w@%+=:,./-]+", word) else "'" + word.replace("'", "'\\''") + "'"
