"""Commands put together at random, from harmless pieces, hostile ones, and torn syntax."""

from __future__ import annotations

from random import Random
from typing import Any

HARMLESS = [
    "ls", "echo a", "cat a.txt", "x=1", 'echo "$x"', "[ -f a.txt ]", "echo $((1 + 2))", ":",
    "grep one a.txt", "echo 'a b'", "n=$(wc -l < a.txt)", "echo ${x:-a}", 'echo "${x#a}"',
    "ls | wc -l", "sort ./a.txt", "find . -name 'a*'", "sed -n 1p a.txt", "awk '{print $1}' a.txt",
    "a=(1 2)", "echo ${a[0]}", "[[ $x == a ]]", "((x = 2))", "read -r y < a.txt", "true",
    "ls | xargs echo", "printf '%s' a", "cat < a.txt", "ls > out", "echo a >&2",
    "find . -exec echo {} +", "env LC_ALL=C ls", "timeout 5 ls", "echo a#b", "! false",
    "for i in 1 2; do echo $i; done", "case x in x) ls;; esac", "cat <<E\nhi $x\nE\n",
    "cat <<'E'\nhi\nE\n", '[ "$x" = a ]', "echo $'a\\tb'", "local_=1", "f() { ls; }\nf\n",
]  # fmt: skip
HOSTILE = [
    "pwned", "$(pwned)", "`pwned`", "'pwned'", '"pwned"', "p''wned", "\\pwned", "eval pwned",
    "; pwned;", "\npwned\n", "&& pwned", "| pwned", "<(pwned)", "${x:-$(pwned)}", "a[$(pwned)]",
    "'a[$(pwned)]'", "x='a[$(pwned)]'", "$x", "sh -c pwned", "env pwned", "xargs pwned",
    "pwned\nE\npwned\n", "$'pwned'", "$((a[$(pwned)]))", "-exec pwned ;", "} pwned {", ") pwned (",
    "-v 'a[$(pwned)]'", "${x@P}", "${!x}", "x='$(pwned)'", "pwned=", "=pwned", "function pwned",
]  # fmt: skip
FRAMES = [
    "{a}; {b}", "{a} && {b}", "{a} || {b}", "{a} | {b}", "({a})", "{{ {a}; }}", 'echo "$({a})"',
    "echo $({a}) {b}", "echo ${{x:-{a}}}", 'echo "${{x:-{a}}}"', "\"${{x:-'{a}'}}\" {b}",
    "echo '{a}'", 'echo "{a}"', "cat <<E\n{a}\nE\n{b}", "cat <<'E'\n{a}\nE\n{b}",
    "cat <<-E\n\t{a}\n\tE\n{b}", "# {a}\n{b}", "echo \\\n{a}", "if {a}; then {b}; fi", "x={a}; {b}",
    "case x in {a}) {b};; esac", "[[ {a} ]]", "(( {a} )); {b}", "echo $(( {a} ))", "f() {{ {a}; }}",
    "while {a}; do {b}; break; done", "for i in {a}; do {b}; done", "! {a}", "time {a}",
    "{a} > out", '{a} <<< "{b}"', "{a} < <({b})", "x=({a}); {b}", "echo ${{a[{a}]}}", "[ {a} ]",
    "echo {a} # {b}\n", "{a}\n{b}\n", "function f {{ {a}; }}\nf", "ls | xargs {a}",
    "find . -exec {a} \\;", "env {a}", "timeout 5 {a}", "command {a}", "echo ${{x/{a}/{b}}}",
    "cat <<E | {a}\n{b}\nE\n", "$({a}) {b}", "echo $'{a}'", "test {a}", "read {a} < a.txt",
    "printf {a}", "{a} 2>&1", "awk '{a}' a.txt", "sed '{a}' a.txt", "sort {a}", "declare {a}",
    "export {a}", "x={a} {b}", "echo {{a,{a}}}", "coproc {a}", "{a} & {b}",
    "select i in {a}; do {b}; done",
]  # fmt: skip
TORN = [
    '"', "'", "`", "$(", ")", "{", "}", "\\", "\n", "#", ";", "&", "|", "<<E", "\nE\n", "$'", '$"',
    "((", "))", "[[", "]]", "<", ">", " ", "\t", "!", "=", "~", "*", "${x:-", "${x#", "<<<", "<<-E",
    "<<'E'\n", "\\\n", " #", "\\'", '\\"', "$((", "$[", "]",
    "time ", "function ", "do ", "done", "esac",
    "then ", "fi", "case x in ", ";;", "$", "@(", "?(", "!(", "+(", "pwned", " pwned ", "$(pwned)",
    "{a,b}",
    "let ", "declare ", "coproc ", "%", ":", "^", "/", ",", "E", "x", "1", "-", "$x", "\r", "\v",
    "é",
]  # fmt: skip


def compose(random: Random, depth: int = 0) -> str:
    """Put a command together."""
    if depth > 2 or random.random() < 0.3:
        return random.choice(HOSTILE if random.random() < 0.25 else HARMLESS)
    frame = random.choice(FRAMES)
    return frame.format(a=compose(random, depth + 1), b=compose(random, depth + 1))


def tear(random: Random, text: str) -> str:
    """Change a text in a few places."""
    for _ in range(random.choice((0, 1, 1, 2, 3, 5))):
        at = random.randrange(len(text) + 1)
        kind = random.random()
        if kind < 0.6:
            text = text[:at] + random.choice(TORN) + text[at:]
        elif kind < 0.85:
            text = text[:at] + text[at + random.choice((1, 1, 2, 5)) :]
        else:
            end = random.randrange(at, len(text) + 1)
            text = text[:end] + text[at:end] + text[end:]
    return text


def noise(random: Random) -> str:
    """Any text at all, with a leaning to what shells have a meaning for."""
    pieces: list[str] = []
    for _ in range(random.randrange(12)):
        kind = random.random()
        if kind < 0.6:
            pieces.append(random.choice(TORN))
        elif kind < 0.9:
            pieces.append(chr(random.randrange(0x20, 0x7F)))
        else:
            pieces.append(chr(random.randrange(0x110000)))
    return "".join(pieces)


def nodes_of(tree: Any) -> list[Any]:
    """All objects and lists of a tree."""
    found, waiting = [], [tree]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            found.append(one)
            waiting.extend(one.values())
        elif isinstance(one, list):
            found.append(one)
            waiting.extend(one)
    return found


def spoil(random: Random, tree: Any, others: list[Any]) -> None:
    """Change a parser's tree in place, as a newer or a broken parser may give it."""
    for _ in range(random.choice((1, 1, 2, 4))):
        node = random.choice(nodes_of(tree))
        value = random.choice(
            (
                None,
                True,
                0,
                -1,
                10**30,
                "",
                "x",
                "ls",
                "$x",
                [],
                {},
                [None],
                [[]],
                random.choice(others),
            )
        )
        if isinstance(node, list):
            if node and random.random() < 0.5:
                del node[random.randrange(len(node))]
            else:
                node.insert(random.randrange(len(node) + 1), value)
        elif node and random.random() < 0.8:
            key = random.choice(sorted(node))
            if random.random() < 0.4:
                del node[key]
            else:
                node[key] = value
        else:
            node[random.choice(("Type", "Parts", "Stmts", "Cmd", "Op", "X", "Index", "Odd"))] = (
                value
            )


SCRIPTS = {
    "sed": (
        [
            "s/a/b/", "s|x|y|g", "/x/p", "1d", "$!N", "y/ab/cd/", "a foo", "i\\\nfoo", "{p}",
            "/a/,/b/d", "s/[^a]b/c/",
        ],
        [
            "s", "/", "|", "e", "e pwned", "w out", " pwned", "\\", "\n", ";", "{", "}", "a", "c",
            "i\\\n", "[", "]", "[^", "[:alpha:]", "y", "1", "$", "!", "p", "x", "&", "g", "I", "#",
            ":a", "b a", "^", "*", "s/", "\\/", "/x/", ",", "\\,", "d", " ", "2", "M", "w", "/e",
        ],
    ),
    "awk": (
        [
            "{print $1}", "BEGIN{x=1/2;y=3/4}", "/a/{print}", '$1~/b/ {print "x"}',
            "{if(/a/)print (1)/2}", "END{print NR/2}", "{n[$1]/2}",
        ],
        [
            '"', "/", 'system("pwned")', '| "pwned"', "(", ")", "{", "}", "x", "1", ";", "\n", "+",
            "++", "[", "]", "\\", "#", "print 1 ", "getline ", "~", "!", "if (1) ", "$1", "a/b",
            " ", "/x/", '"x"', "||", "&&", ",", "=", "length", "in ", "return ", '\\"', "\\/", "--",
            "%", "[/]", "next", '"pwned" | getline', "@",
        ],
    ),
}  # fmt: skip
"""For each language lines that are harmless, and pieces that tear them or start ``pwned``."""


def script(random: Random) -> tuple[str, str]:
    """A language, and a script in it."""
    tool = random.choice(sorted(SCRIPTS))
    lines, pieces = SCRIPTS[tool]
    if random.random() < 0.4:
        return tool, "".join(random.choice(pieces) for _ in range(random.randrange(1, 12)))
    text = ";".join(random.choice(lines) for _ in range(random.randrange(1, 4)))
    for _ in range(random.randrange(1, 4)):
        at = random.randrange(len(text) + 1)
        text = text[:at] + random.choice(pieces) + text[at + random.choice((0, 0, 1)) :]
    return tool, text
