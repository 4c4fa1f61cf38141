"""Which commands of a shell script read secrets, and which send them away."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from headrace_skills.audit._rules import phrase
from headrace_skills.audit._shell_programs import DOWNLOADERS, given
from headrace_skills.audit._shell_words import Word, pipelines, substitutions
from headrace_skills.audit._table import names

if TYPE_CHECKING:
    from headrace_skills.audit._shell_words import Stage

__all__ = ["VARIABLE", "Secrets"]

VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)")
_READERS = names("shell-readers")
_DUMPS = re.compile(r"(?:env|printenv)|(?:set|export -p|declare -xp?|compgen -e)")
_LOGIN_FLAGS = frozenset(
    ("-i", "--key", "--cert", "-E", "--netrc-file", "-K", "-e", "--cacert", "-F")
)
_BY_SSH = frozenset(("ssh", "scp", "rsync", "sftp"))


class Secrets:
    """What one script does with secrets; it remembers which variables and files hold them."""

    def __init__(self) -> None:
        self._secret_file = phrase("secret-file")
        self._metadata = phrase("metadata-service")
        self._variables: set[str] = set()
        self._files: set[str] = set()

    def assign(self, stage: Stage) -> bool:
        """Remember what a command gives to variables; tell whether that was all it does."""
        for variable, word in stage.assigned():
            if self.is_in(word.raw):
                self._variables.add(variable)
        words = stage.words
        if not words or words[0].raw != "for" or words[2:3] == []:
            return False
        if any(self.is_in(word.raw) for word in words[3:]):
            self._variables.add(words[1].raw)
        return True

    def keep(self, stages: list[Stage]) -> None:
        """Remember the files that the commands of a pipeline write secrets to."""
        self._files |= {word.plain for stage in stages for word in stage.written()}

    def taken_by(self, stage: Stage) -> str:
        """The secret that a command reads; empty where it reads none."""
        name, words = stage.command()
        said = " ".join([name, *(word.plain for word in words)])
        if not name and [word.plain for word in stage.words] == ["env"]:
            return "the whole environment"
        if _DUMPS.fullmatch(said):
            return "the whole environment"
        if self._metadata.search(said) and name in DOWNLOADERS:
            return "the cloud's metadata service"
        if name == "gpg" and "--export-secret" in said:
            return "secret keys of gpg"
        if name == "security" and "find-" in said and "-password" in said:
            return "the keychain"
        texts = [one.target.plain for one in stage.redirects if one.kind == "<"]
        if name in _READERS:
            texts += given(words, _LOGIN_FLAGS if name in _BY_SSH else ())
        for text in texts:
            if match := self._secret_file.search(text):
                self._copied(name, words)
                return match[0]
            if text in self._files:
                return text
        return ""

    def _copied(self, name: str, words: list[Word]) -> None:
        places = [word.plain for word in words if not word.plain.startswith("-")]
        if name in ("cp", "mv") and len(places) > 1:
            self._files.add(places[-1])

    def is_in(self, raw: str) -> bool:
        """Whether a word holds a secret, through a variable or a substitution."""
        if any(one in self._variables for one in VARIABLE.findall(raw)):
            return True
        for inner, _ in substitutions(Word(raw, 0)):
            for nested in pipelines(inner):
                if any(self.taken_by(stage) for stage in nested):
                    return True
        return False

    def sent_by(self, name: str, words: list[Word]) -> bool:
        """Whether a command that sends is given a secret to send, and not only to log in with."""
        before = ""
        for word in words:
            login = before in _LOGIN_FLAGS
            before = word.plain
            named = self._secret_file.search(word.plain) is not None
            if (
                named
                and name != "ssh"
                and not (login and (name in _BY_SSH or "@" not in word.plain))
            ):
                return True
            if self.is_in(word.raw) or self._is_kept(word):
                return True
        return False

    def _is_kept(self, word: Word) -> bool:
        said = word.plain.lstrip("@").rpartition("=@")[2].rpartition("@")[2]
        return bool(said) and any(
            said == one or said.startswith(one.rstrip("/") + "/") for one in self._files
        )
