"""What the check of a shell command says, and that bash agrees with it."""

from __future__ import annotations

import pickle
import stat
from pathlib import Path

import pytest

from headrace_skills import SkillError
from headrace_skills.shell import (
    DEFAULT_BUILTINS,
    DEFAULT_COMMANDS,
    ShellRefusedError,
    ShellRules,
    check_command,
)
from headrace_skills.shell import _parser as parser_module
from headrace_skills.shell._rules import UNREADABLE

from .cases import ALLOWED, REFUSED
from .machine import explained


def name_of(text):
    return ascii(text[:60])


def refused(text, rules=None):
    with pytest.raises(ShellRefusedError) as raised:
        check_command(text, rules)
    return raised.value


# ------------------------------------------------------------------ the table


@pytest.mark.parametrize("text", ALLOWED, ids=name_of)
def test_it_is_allowed(text):
    assert check_command(text).text == text


@pytest.mark.parametrize(("text", "rule"), REFUSED, ids=name_of)
def test_it_is_refused_by_the_rule(text, rule):
    assert refused(text).rule == rule


@pytest.mark.slow
def test_bash_starts_no_program_that_was_not_foreseen(machine):
    for text in ALLOWED:
        foreseen = explained(check_command(text).programs)
        assert machine.started(text) <= foreseen, text


@pytest.mark.slow
def test_bash_reads_the_allowed_ones_alike(machine):
    for text in ALLOWED:
        assert machine.agrees(check_command(text)), text


@pytest.mark.slow
def test_the_hostile_ones_really_are(machine):
    """The table would show nothing if bash did not run ``pwned`` for most of its commands."""
    hostile = [
        text for text, _ in REFUSED if "pwned" in text and "\0" not in text and len(text) < 1000
    ]
    real = [text for text in hostile if "pwned" in machine.started(text)]
    assert len(real) >= len(hostile) * 3 // 5, sorted(set(hostile) - set(real))


# ------------------------------------------------------------------ what is told


def test_a_refusal_says_what_where_and_what_instead():
    error = refused("ls\n  cat a | python3 -c 1")
    assert (error.rule, error.line, error.column) == ("name", 2, 11)
    assert "line 2, column 11" in str(error)
    assert "python3" in str(error)
    assert "allowed are: " in error.instead
    assert " grep " in error.instead


def test_a_refusal_is_an_error_of_skills_and_travels():
    error = refused("eval ls")
    assert isinstance(error, SkillError)
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.rule, copy.line) == (str(error), "runs-text", 1)


def test_a_place_is_counted_in_bytes_as_the_parser_does():
    assert refused("echo é; pwned").column == len("echo é; ".encode()) + 1


def test_what_would_be_started_is_told():
    checked = check_command("cat a.txt | xargs grep x && find . -exec wc {} + ;\nf() { ls; }; f")
    assert checked.programs == ("cat", "find", "grep", "ls", "wc", "xargs")


def test_the_same_question_is_answered_again_alike():
    first, second = refused("ls; eval x"), refused("ls; eval x")
    assert str(first) == str(second)
    assert first is not second


# ------------------------------------------------------------------ the rules


def test_a_grant_adds_a_program():
    rules = ShellRules().granting(["python3", "jq"])
    assert check_command("python3 -c 'print(1)'", rules).programs == ("python3",)
    assert refused("python3 -c 'print(1)'").rule == "name"


@pytest.mark.parametrize("name", ["bash", "sudo", "parallel", "vim"])
def test_no_grant_adds_what_runs_any_text(name):
    assert refused(f"{name} -c ls", ShellRules().granting([name])).rule == "runs-text"


def test_no_grant_adds_a_builtin():
    assert refused("eval ls", ShellRules().granting(["eval"])).rule == "runs-text"
    assert refused("enable x", ShellRules().granting(["enable"])).rule == "builtin"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("git log --oneline -n 3", None),
        ("git diff HEAD~1 -- a.txt", None),
        ("git -c core.pager=pwned log", "option"),
        ("git --exec-path=. log", "option"),
        ("git -p log", "option"),
        ("git push", "option"),
        ("git config alias.x '!pwned'", "option"),
        ("git diff --ext-diff", "option"),
        ("git diff --ext", "option"),
        ("git grep -Opwned x", "option"),
        ("git grep --open-files-in-pager=pwned x", "option"),
        ("git log --output=x", "option"),
        ('git log "$x"', "option"),
        ('git log -- "$x"', None),
        ("rg -n TODO -g '*.py'", None),
        ("rg --pre pwned x", "option"),
        ('rg "$x"', "option"),
        ('rg -e "$x" -- "$y"', None),
    ],
)
def test_some_programs_are_read_when_they_are_granted(text, rule):
    rules = ShellRules().granting(["git", "rg"])
    if rule is None:
        check_command(text, rules)
    else:
        assert refused(text, rules).rule == rule


def test_fewer_programs_and_builtins_can_be_allowed():
    rules = ShellRules(commands=frozenset({"ls"}), builtins=frozenset({"echo"}))
    assert check_command("ls; echo a", rules).programs == ("ls",)
    assert refused("cat a", rules).rule == "name"
    assert refused("cd sub", rules).rule == "builtin"
    assert refused("declare x=1", rules).rule == "builtin"
    assert refused("find . -delete", ShellRules(commands=frozenset({"find"}))).rule == "option"


def test_folders_may_be_opened_to_redirections():
    rules = ShellRules(readable=("/skills/triage",), writable=("/scratch",))
    check_command("cat < /skills/triage/references/codes.md > /scratch/out; cd /scratch", rules)
    assert refused("echo > /skills/triage/x", rules).rule == "redirection"
    assert refused("cat < /skills/triage-2/x", rules).rule == "redirection"
    assert refused("cat < /skills/triage/../x", rules).rule == "redirection"
    assert refused("cd /skills", rules).rule == "redirection"


def test_limits_are_limits():
    rules = ShellRules(max_bytes=10, max_depth=3)
    check_command("echo 12345", rules)
    assert refused("echo 123456", rules).rule == "size"
    assert refused("( ( ( ( ls ) ) ) )", ShellRules(max_depth=3)).rule == ("size")
    check_command("( ( ( ls ) ) )", ShellRules(max_depth=3))


def test_the_tables_do_not_contradict_each_other():
    assert not DEFAULT_COMMANDS & UNREADABLE.keys()
    assert not DEFAULT_BUILTINS & UNREADABLE.keys()
    # Nothing is allowed by default that takes programs or text from its arguments unread.
    interpreters = {"python3", "perl", "ruby", "node", "php", "lua", "git", "make", "ln", "dd"}
    assert not DEFAULT_COMMANDS & interpreters


# ------------------------------------------------------------------ the parser


def test_the_parser_is_not_looked_for_on_a_path(monkeypatch, tmp_path):
    """Neither the PATH nor the working folder can put another parser in its place."""
    fake = tmp_path / "shfmt"
    fake.write_text('#!/bin/sh\necho \'{"Type": "File"}\'\n')
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    parser_module.parser_program.cache_clear()
    assert refused("pwned # unseen until now").rule == "name"
    assert Path(parser_module.parser_program()).is_absolute()


def test_a_parser_that_hangs_is_given_up(monkeypatch, tmp_path):
    slow = tmp_path / "shfmt"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setattr(parser_module, "parser_program", lambda: str(slow))
    rules = ShellRules(seconds=0.2)
    assert refused("ls # a text of its own", rules).rule == "parser"
    monkeypatch.undo()
    assert check_command("ls # a text of its own", ShellRules())


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ("echo nonsense", "parser"),
        ("echo '[]'", "parser"),
        ("echo '{}'", "parser"),
        ('echo \'{"Type": "File", "Odd": 1}\'', "syntax"),
        ('echo \'{"Type": "File", "Stmts": [{"Cmd": {"Type": "Odd"}}]}\'', "syntax"),
        ('echo \'{"Type": "File", "Stmts": [{"Cmd": {"Type": "Block", "Stmts": 1}}]}\'', "parser"),
        ("exit 3", "syntax"),
        ("kill -9 $$", "syntax"),
        ("printf '%0100000d' 0 | tr 0 '['", "size"),
    ],
)
def test_a_tree_that_is_not_known_is_refused(monkeypatch, tmp_path, said, rule):
    odd = tmp_path / "shfmt"
    odd.write_text(f"#!/bin/sh\n{said}\n")
    odd.chmod(0o755)
    monkeypatch.setattr(parser_module, "parser_program", lambda: str(odd))
    assert refused(f"ls # {said}").rule == rule


def test_a_parser_that_is_not_there_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(parser_module, "parser_program", lambda: str(tmp_path / "none"))
    assert refused("ls # and none to read it").rule == "parser"
