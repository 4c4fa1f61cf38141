"""Shell scripts, and the blocks of shell in documents."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from headrace_skills.audit._hits import Hit, Seen
from headrace_skills.audit._model import Severity
from headrace_skills.audit._rules import phrase
from headrace_skills.audit._shell_programs import (
    DOWNLOADERS,
    SHELLS,
    decodes,
    interprets,
    language_of,
    runs_input,
    sends,
)
from headrace_skills.audit._shell_secrets import VARIABLE, Secrets
from headrace_skills.audit._shell_words import (
    join_lines,
    pipelines,
    substitutions,
    without_heredocs,
)
from headrace_skills.audit._supply import installed_by
from headrace_skills.audit._table import made, names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace_skills.audit._shell_words import Heredoc, Stage, Word
    from headrace_skills.audit._sources import Source

__all__ = ["read_shell"]

_BUILTINS = names("shell-builtins")
_RESOLVERS = names("shell-resolvers")
_CHECKERS = names("shell-checkers")
_MAX_DEPTH = 4
_MIN_CODE = 8  # characters of a -c that are worth reading
_CODE_FLAGS = ("-c", "-e", "-lc", "-ic")
_OUTPUT = re.compile(r"--output(?:-document)?|-[a-zA-Z]*[oO]")
_SPLIT_NAME = re.compile(r"\w['\"]{2}\w|\w\\\w|\w'\w+'\w")
_NARROWED = re.compile(r"-name|-mtime|-type l")
_IN_NAME = re.compile(r"(?:\$\([^)]*\)|`[^`]*`)\.[\w.$-]")  # data.example.com
_URL = re.compile(r"(?:https?|ftp|wss?)://([^\s/\"'<>)\]`|;]+)", re.IGNORECASE)
_DEVICE = re.compile(r"/dev/(?:tcp|udp)/([\w.-]+)/")
_PROGRAM = re.compile(r"[A-Za-z_][\w+-]*(?:\.[\w+-]+)*")
_HOME = re.compile(
    r"(?:~|/|\$HOME|\$\{HOME[^}]*\}|/home|/Users|/root|/\*)(?:/\*|/|/\.\*)?"
    r"|(?:~|\$HOME|\$\{HOME\})/(?:Documents|Desktop|Pictures|Downloads|Music|Movies|Projects|src|work)(?:/\*?)?"
    r"|/(?:etc|usr|var|bin|lib|boot)(?:/\*?)?"
)
_HARMLESS_LINE = re.compile(
    r"(?i)export \w+=|\beval \"?\$\([\w-]+ (?:init|hook|shellenv)|alias \w+=|autoload|source "
)
_HARMFUL_LINE = re.compile(
    r"(?i)curl|wget|base64|/dev/tcp|\bnc\b|alias (?:sudo|ssh|git)=|eval|python\S* -c|https?://"
)
_SECRET_NAME = re.compile(
    r"(?i)(?:token|secret|passw|api_?key|credential|private_?key|access_?key)"
)


def read_shell(source: Source) -> Iterator[Hit | Seen | Source]:
    """Find what a shell text runs, reaches, reads and writes, and what is wrong with it."""
    if source.language == "shell":
        yield from _Reader(source).read()


class _Reader:
    """One pass over one text."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._secrets = Secrets()
        self._start_up = phrase("start-up-file")
        self._agent_file = phrase("agent-file")

    def read(self) -> Iterator[Hit | Seen | Source]:
        text, bodies = without_heredocs(join_lines(self._source.text))
        for pipeline in pipelines(text):
            yield from self._pipeline(pipeline, 0, 0, bodies)

    # ------------------------------------------------------------ structure

    def _pipeline(
        self, stages: list[Stage], offset: int, depth: int, bodies: list[Heredoc]
    ) -> Iterator[Hit | Seen | Source]:
        start, end = offset + stages[0].start, offset + stages[-1].end
        yield from self._flow(stages, start, end)
        for stage in stages:
            yield from self._stage(stage, offset)
            for word in (*stage.words, *(one.target for one in stage.redirects)):
                for inner, place in substitutions(word):
                    if depth < _MAX_DEPTH:
                        for nested in pipelines(inner):
                            yield from self._pipeline(nested, offset + place, depth + 1, [])
            for body in bodies:
                if stage.heredoc == body.name:
                    yield from self._heredoc(stage, body)

    def _heredoc(self, stage: Stage, body: Heredoc) -> Iterator[Hit | Seen | Source]:
        name, words = stage.command()
        language = language_of(name)
        if language is not None and all(one.raw.startswith("-") for one in words):
            yield self._source.within(language, body.text, body.start)
        for target in stage.written():
            yield from self._written(target, body.text, 0)

    # ------------------------------------------------------------ what flows where

    def _flow(self, stages: list[Stage], start: int, end: int) -> Iterator[Hit | Seen]:
        fetched = decoded = secret = False
        for stage in stages:
            name, words = stage.command()
            runs = runs_input(name, words)
            if runs and fetched:
                yield made("shell/download-to-shell", start, end)
            elif runs and decoded:
                yield made("shell/decoded-to-shell", start, end)
            if secret and sends(name, words):
                yield made("shell/secrets-sent", start, end)
            fetched = fetched or name in DOWNLOADERS
            decoded = decoded or decodes(name, words)
            took = self._secrets.taken_by(stage)
            if took and name != "find":  # which lists names; what reads them comes behind it
                yield Seen("takes", took, start)
            secret = secret or bool(took)
            if name in ("eval", "source", ".") and any(self._decoding(word) for word in words):
                yield made("shell/decoded-to-shell", start, end)
            if name.startswith("$") and len(stages) > 1 and name[1:2].islower():
                yield made("shell/computed-command", start, end)
        if secret:
            self._secrets.keep(stages)

    def _decoding(self, word: Word) -> bool:
        for inner, _ in substitutions(word):
            for nested in pipelines(inner):
                if any(decodes(*stage.command()) for stage in nested):
                    return True
        return False

    # ------------------------------------------------------------ one command

    def _stage(self, stage: Stage, offset: int) -> Iterator[Hit | Seen | Source]:
        name, words = stage.command()
        start, end = offset + stage.start, offset + stage.end
        if self._secrets.assign(stage):
            return
        # What stands in a sentence may be a program, or a line of a file of settings.
        if name not in _BUILTINS and _PROGRAM.fullmatch(name) and self._source.role != "inline":
            yield Seen("runs", name, start)
        for word in stage.words:
            for variable in VARIABLE.findall(word.raw):
                if _SECRET_NAME.search(variable):
                    yield Seen("reads", f"${variable}", start)
        targets = [one.target for one in stage.redirects]
        yield from self._reached(name, [*words, *targets], offset)
        if sends(name, words):
            yield from self._sent(name, words, start, end)
        yield from self._removed(name, words, start, end)
        yield from self._fetched(name, words, stage, offset)
        yield from self._writes(name, words, stage, offset)
        for package, odd in installed_by(name, [word.plain for word in words]):
            yield Seen("installs", package, start)
            if odd:
                yield made(odd[0], start, end, odd[1])
        raw = stage.words[0].raw if stage.words else ""
        if _SPLIT_NAME.search(raw) and (name in DOWNLOADERS or name in SHELLS or name == "eval"):
            yield made("shell/split-name", start, end)
        language = language_of(name)
        for flag, code in pairwise(words):
            if language and flag.plain in _CODE_FLAGS and len(code.plain) > _MIN_CODE:
                yield self._source.within(language, _unquoted(code.raw), offset + code.start)

    def _reached(self, name: str, words: list[Word], offset: int) -> Iterator[Seen]:
        for word in words:
            for match in _DEVICE.finditer(word.plain):
                yield Seen("reaches", match[1], offset + word.start)
            for match in _URL.finditer(word.plain):
                if name not in ("echo", "printf", "#"):
                    yield Seen("reaches", match[1].rpartition("@")[2], offset + word.start)

    def _sent(self, name: str, words: list[Word], start: int, end: int) -> Iterator[Hit | Seen]:
        yield Seen("sends", name, start)
        if self._secrets.sent_by(name, words):
            yield made("shell/secrets-sent", start, end)
        elif name in _RESOLVERS and any(_IN_NAME.search(word.raw) for word in words):
            yield made("shell/data-in-name", start, end)

    def _removed(self, name: str, words: list[Word], start: int, end: int) -> Iterator[Hit]:
        said = [word.plain for word in words]
        flags = "".join(one for one in said if one.startswith("-"))
        targets = [one for one in said if not one.startswith("-")]
        gone = name in ("rm", "shred", "srm") and re.search(r"[rR]|recursive", flags)
        if name == "find":
            gone = re.search(r"-delete|-exec rm", " ".join(said))
            targets = [] if _NARROWED.search(" ".join(said)) else targets[:1]
        if gone and any(_HOME.fullmatch(one) for one in targets):
            yield made("shell/removes-home", start, end)

    def _fetched(self, name: str, words: list[Word], stage: Stage, offset: int) -> Iterator[Seen]:
        said = [word.plain for word in words]
        start = offset + stage.start
        if name in DOWNLOADERS:
            for flag, value in pairwise(said):
                if _OUTPUT.fullmatch(flag):
                    if not value.startswith("http") and value != "-":
                        yield Seen("fetches", _path(value), start)
                    elif value.startswith("http") and flag.endswith("O"):
                        yield Seen("fetches", _path(value.rpartition("/")[2]), start)
            for target in stage.written():
                yield Seen("fetches", _path(target.plain), start)
        elif name in _CHECKERS:
            yield Seen("checks", name, start)
        elif name == "chmod":
            for one in said[1:]:
                yield Seen("starts", _path(one), start)
        elif interprets(name):
            for one in said:
                if not one.startswith("-"):
                    yield Seen("starts", _path(one), start)
                    break
        for word in stage.words[:1]:
            if "/" in word.plain:
                yield Seen("starts", _path(word.plain), start)

    def _writes(
        self, name: str, words: list[Word], stage: Stage, offset: int
    ) -> Iterator[Hit | Seen]:
        content = " ".join(word.raw for word in stage.words)
        targets = stage.written()
        if name == "tee":
            targets += [word for word in words if not word.plain.startswith("-")]
        elif (name in ("cp", "mv", "install", "ln") and words) or (
            name == "sed" and any(word.plain.startswith("-i") for word in words)
        ):
            targets.append(words[-1])
        for target in targets:
            yield from self._written(target, content, offset)
        starts = {"load", "bootstrap", "enable"} & {word.plain for word in words}
        if name in ("launchctl", "systemctl") and starts:
            yield made("shell/service", offset + stage.start, offset + stage.end)

    def _written(self, target: Word, content: str, offset: int) -> Iterator[Hit | Seen]:
        start, end = offset + target.start, offset + target.end
        path = target.plain
        in_script = self._source.role not in ("fence", "inline")
        if self._agent_file.search(path):
            yield Seen("writes", path, start)
            severity = Severity.HIGH if in_script else Severity.MEDIUM
            yield made("shell/changes-agent", start, end, severity=severity)
        elif self._start_up.search(path):
            yield Seen("writes", path, start)
            if "authorized_keys" in path or _HARMFUL_LINE.search(content):
                severity = Severity.CRITICAL
            elif _HARMLESS_LINE.search(content) or not in_script:
                severity = Severity.MEDIUM
            else:
                severity = Severity.HIGH
            yield made("shell/start-up-file", start, end, severity=severity)


def _path(text: str) -> str:
    return re.sub(r"^(?:\./|\$\{?HOME\}?/|~/)", "", text).rstrip("/")


def _unquoted(raw: str) -> str:
    if len(raw) > 1 and raw[0] == raw[-1] and raw[0] in "\"'":
        return raw[1:-1].replace('\\"', '"')
    return raw
