"""The audit: a folder is read, taken apart, and each text given to every analyser."""

from __future__ import annotations

import re
import time
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from headrace_skills._frontmatter import parse_document
from headrace_skills._model import Skill
from headrace_skills._reading import SKILL_FILES, read_skill
from headrace_skills._text import one_line
from headrace_skills.audit._context import About, lowered
from headrace_skills.audit._declared import Observed, Said, compare, facts_of
from headrace_skills.audit._decoding import MAX_DEPTH, read_coded
from headrace_skills.audit._excerpt import excerpt, shown
from headrace_skills.audit._files import language_of, read_folder
from headrace_skills.audit._hidden import read_hidden
from headrace_skills.audit._hits import Hit, Seen
from headrace_skills.audit._items import is_text, read_item
from headrace_skills.audit._model import AuditReport, Fact, Finding, Severity
from headrace_skills.audit._patterns import match_patterns
from headrace_skills.audit._python import read_python
from headrace_skills.audit._rules import PatternRule, builtin_patterns
from headrace_skills.audit._scripts import read_script
from headrace_skills.audit._shell import read_shell
from headrace_skills.audit._sources import Source, sources_of
from headrace_skills.audit._supply import normal, read_requirements
from headrace_skills.audit._table import found
from headrace_skills.errors import SkillFormatError, SkillPathError
from headrace_skills.needs import Needs, needs_of, read_script_metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace_skills.audit._files import Folder, Item
    from headrace_skills.audit._hits import Analyser

__all__ = ["Rules", "audit_skill"]

MAX_SOURCES = 20_000
"""Texts of one skill, those that are decoded among them."""
MAX_FINDINGS = 500
MAX_SECONDS = 20.0
"""A hostile skill may be slow to read; it must not hold up whoever audits it."""
_SPACED = re.compile(r"[-_./]+")
_REQUIREMENT = re.compile(r"^[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True, slots=True)
class Rules:
    """What a skill is held against."""

    patterns: tuple[PatternRule, ...]
    """Rules that are data."""
    analysers: tuple[Analyser, ...]
    """Rules that are code: each is given every text of the skill."""

    @classmethod
    def builtin(cls) -> Rules:
        """The rules that come with this package."""
        return cls(builtin_patterns(), (read_shell, read_python, read_script, read_requirements))

    def extended(self, *more: PatternRule | Analyser) -> Rules:
        """These rules and more. A pattern takes the place of one with the same id."""
        patterns = {one.id: one for one in self.patterns}
        patterns.update({one.id: one for one in more if isinstance(one, PatternRule)})
        analysers = [one for one in more if not isinstance(one, PatternRule)]
        return Rules(tuple(patterns.values()), (*self.analysers, *analysers))


def audit_skill(path: str | Path, rules: Rules | None = None) -> AuditReport:
    """Read a skill's folder, and tell what it does and what in it a person should look at.

    Nothing of it is run or imported. A skill that cannot be read as one is audited all the same.

    Args:
        path: The skill's folder.
        rules: What to hold it against; ``Rules.builtin()`` if None.

    Raises:
        SkillPathError: There is no such folder.
    """
    root = Path(path)
    if not root.is_dir():
        raise SkillPathError(f"there is no folder {str(root)!r}")
    return _Audit(root.resolve(), rules or Rules.builtin()).report()


class _Audit:
    """One skill."""

    def __init__(self, root: Path, rules: Rules) -> None:
        self._root = root
        self._rules = rules
        self._folder: Folder = read_folder(root)
        self._unread = list(self._folder.unread)
        self._findings: dict[tuple[str, str, int, int, str], Finding] = {}
        self._facts: list[Fact] = []
        self._observed = Observed()
        self._pending: deque[Source] = deque()
        self._queued = 0
        self._known: set[tuple[str, str]] = set()
        self._until = time.monotonic() + MAX_SECONDS
        read = read_skill(root)
        self._skill = read if isinstance(read, Skill) else None
        if self._skill is None:
            self._add(found("skill/broken", "SKILL.md", getattr(read, "reason", "")))
        self._about = About(self._described())
        self._packages: set[str] = set()

    def report(self) -> AuditReport:
        for item in self._folder.items:
            self._item(item)
        self._read_pending()
        said = Said(self._about, self._needs(), self._tools(), frozenset(self._packages))
        for finding in compare(self._observed, said):
            self._add(finding)
        self._facts += facts_of(self._observed, said)
        facts = {replace(one, value=shown(one.value), file=shown(one.file)) for one in self._facts}
        findings = sorted(
            self._findings.values(),
            key=lambda one: (-one.severity, one.file, one.line, one.column, one.rule),
        )
        return AuditReport(
            name=one_line(self._skill.name if self._skill else self._root.name, 80),
            root=self._root,
            findings=tuple(findings[:MAX_FINDINGS]),
            facts=tuple(sorted(facts, key=lambda one: (one.kind, one.value, one.file, one.line))),
            files=len(self._folder.items),
            unread=tuple((shown(file), why) for file, why in self._unread),
        )

    # ------------------------------------------------------------ what it says of itself

    def _described(self) -> str:
        if self._skill is not None:
            return f"{self._skill.name} {self._skill.description}"
        return self._root.name

    def _needs(self) -> Needs:
        if self._skill is None:
            return Needs()
        try:
            needs = needs_of(self._skill)
        except SkillFormatError as error:
            self._add(found("declared/unreadable", self._skill.file, str(error), line=1))
            return Needs()
        self._packages |= {normal(_package(one)) for one in needs.dependencies}
        return needs

    def _tools(self) -> tuple[str, ...]:
        return self._skill.allowed_tools if self._skill is not None else ()

    # ------------------------------------------------------------ files

    def _item(self, item: Item) -> None:
        for one in read_item(item):
            if isinstance(one, Fact):
                self._facts.append(one)
            else:
                self._add(one)
        self._observed.names.add(item.path.rpartition("/")[2])
        self._queue(Source(item.path, "prose", _SPACED.sub(" ", item.path), "name", 0, fixed=True))
        if item.link is not None or not is_text(item):
            return
        text = _text_of(item.data)
        language = language_of(item.path, text.partition("\n")[0])
        if item.path in SKILL_FILES:
            self._front(text)
        if language == "python":
            self._observed.modules.add(item.path.rpartition("/")[2].removesuffix(".py"))
            self._observed.modules.update(item.path.split("/")[:-1])
            self._declared_in(text)
        elif item.path.rpartition("/")[2].startswith("requirements"):
            self._packages |= {
                normal(_package(line)) for line in text.splitlines() if _package(line)
            }
        # Blocks of a document are taken out of it and leave blanks; what it hides is in all of it.
        self._take(Source(item.path, language, text), read_hidden)
        for source in sources_of(item.path, language, text):
            self._queue(source)

    def _declared_in(self, text: str) -> None:
        try:
            metadata = read_script_metadata(text)
        except SkillFormatError:
            return
        if metadata is not None:
            self._packages |= {normal(_package(one)) for one in metadata.dependencies}

    def _front(self, text: str) -> None:
        """YAML folds and escapes: its values are read as they are meant, and not as they stand."""
        try:
            fields = parse_document(text.encode("utf-8", "replace")).fields
        except SkillFormatError:
            return
        for name, value in fields.items():
            for one in _texts_in(value):
                if "\n" in one or one not in text:
                    line = _line_of(text, name)
                    self._queue(Source("SKILL.md", "prose", one, "embedded", line, fixed=True))

    # ------------------------------------------------------------ texts

    def _queue(self, source: Source) -> None:
        if len(source.decoded) > MAX_DEPTH:
            return
        self._queued += 1
        if self._queued <= MAX_SOURCES:
            self._pending.append(source)
        elif self._queued == MAX_SOURCES + 1:
            self._unread.append((source.file, f"it has more than {MAX_SOURCES:,} pieces of text"))

    def _read_pending(self) -> None:
        while self._pending:
            if time.monotonic() > self._until:
                self._unread.append(
                    (self._pending[0].file, "the time for one skill was up before its end")
                )
                break
            source = self._pending.popleft()
            # What is decoded is read once, however often it stands there.
            place = "" if source.decoded else f"{source.file}:{source.line}:{source.role}"
            key = (f"{place}:{source.language}", source.text)
            if key in self._known:
                continue
            self._known.add(key)
            self._read(source)

    def _read(self, source: Source) -> None:
        for hit in match_patterns(source, self._rules.patterns):
            self._hit(source, hit)
        for analyser in self._rules.analysers:
            self._take(source, analyser)
        if source.role == "name":
            self._take(source, read_hidden)
        else:
            self._take(source, read_coded)

    def _take(self, source: Source, analyser: Analyser) -> None:
        try:
            for one in analyser(source):
                if isinstance(one, Hit):
                    self._hit(source, one)
                elif isinstance(one, Seen):
                    line, _ = source.place(one.start)
                    self._observed.seen.append((one, source.file, line, source.role))
                else:
                    self._queue(one)
        except RecursionError:
            self._unread.append((source.file, "it is nested too deeply to be read"))

    def _hit(self, source: Source, hit: Hit) -> None:
        severity, reason, confidence = hit.severity, hit.reason, hit.confidence
        if why := lowered(source, hit, self._about):
            severity, reason, confidence = Severity.MEDIUM, f"{reason} ({why})", "low"
        elif source.role == "hidden" and not source.decoded:
            if Severity.MEDIUM <= severity < Severity.CRITICAL:
                severity = Severity(severity + 1)
            reason = f"{reason} (in text that is not shown)"
        line, column = source.place(hit.start)
        self._add(
            Finding(
                rule=hit.rule,
                severity=severity,
                category=hit.category,
                file=source.file,
                line=line,
                column=column,
                excerpt=excerpt(source.text, hit.start, hit.end),
                reason=reason,
                confidence=confidence,
                decoded=source.decoded,
            )
        )

    def _add(self, finding: Finding) -> None:
        finding = replace(finding, file=shown(finding.file), reason=shown(finding.reason))
        said = "" if finding.column else finding.reason
        key = (finding.rule, finding.file, finding.line, finding.column, said)
        known = self._findings.get(key)
        if known is None or known.severity < finding.severity:
            self._findings[key] = finding


def _text_of(data: bytes) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    return data.decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n")


def _package(line: str) -> str:
    match = _REQUIREMENT.match(line.strip())
    return match[0] if match else ""


def _texts_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts_in(one)


def _line_of(text: str, name: str) -> int:
    match = re.search(rf"^{re.escape(name)}\s*:", text, re.MULTILINE)
    return text.count("\n", 0, match.start()) + 1 if match else 1
