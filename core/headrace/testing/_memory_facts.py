"""What the conformance class of memories puts in and asks for; written by hand."""

from __future__ import annotations

from itertools import product

from headrace.chat import Message

__all__ = [
    "ADA",
    "ADA_ELSEWHERE",
    "BOB",
    "CONDITIONS",
    "FACTS",
    "FILLERS",
    "LIVES",
    "METADATA",
    "MOVED",
    "NOBODY",
    "NOON",
    "QUERIES",
    "SCOPES",
    "SETS",
    "WRITINGS",
]

ADA = {"agent": "desk", "key": "k-1", "user": "ada"}
BOB = {"agent": "desk", "key": "k-1", "user": "bob"}
ADA_ELSEWHERE = {"agent": "shop", "key": "k-9", "user": "ada"}
NOBODY = {"agent": "desk", "key": "k-1", "user": ""}
SETS = tuple(
    {**ADA, "set": name}
    for name in ("", "facts", "Facts", "facts/old", "facts ", "*", "_", "'", "\x1f", "null", "=")
)
"""The same scope with named sets, and with none."""
NOON = 1_000_000.0
"""The time that the tests' clock begins at, in seconds since the epoch."""

LIVES = (Message(role="user", content="Hello, I live in Z\u00fcrich. My cat is called Minka."),)
MOVED = (Message(role="user", content="I have moved: I live in Bern now."),)
"""Two conversations, of which the second puts right a fact of the first."""

FACTS = {
    "peanuts allergy": "Ms Brandt has an allergy to peanuts and carries an adrenaline pen.",
    "cello": "Her daughter plays the cello in the youth orchestra.",
    "gate code": "The gate code of the northern warehouse is 4471.",
    "Kilimanjaro": "He climbed Kilimanjaro with his brother in 2019.",
    "overdue reminders": "Reminders about overdue payments go to the accountant, not to the owner.",
    "vegetarian": "The whole family is vegetarian since the spring.",
    "left-handed": "Mr Okafor is left-handed and wants his tools on the other side.",
    "parrot": "A grey parrot named Bosun lives in the office.",
    "invoices currency": "Invoices are to be written in Swiss francs, whatever the currency asked.",
    "dialysis": "On Tuesdays he has dialysis and cannot be reached.",
}
"""A memory for each query of words that stand in it and in no other."""

FILLERS = tuple(
    f"On {day} the {who} {did} {what}."
    for day, who, (did, what) in product(
        ("Monday", "Wednesday", "Thursday", "Friday", "Sunday"),
        ("baker", "driver", "clerk", "gardener", "nurse", "teacher", "sailor", "printer"),
        (
            ("sold", "two baskets of apples"),
            ("counted", "the empty boxes"),
            ("painted", "a wooden fence"),
            ("answered", "letters from the harbour"),
            ("repaired", "an old bicycle"),
        ),
    )
)[:190]
"""Memories that no query of ``FACTS`` is for."""

_HOSTILE = (
    "a", "A", " a", "a ", "*", "%", "_", "a:b", "a/b", "a|b", "a\x00b", "a\nb", "a,b", "a=b&c=d",
    "'", '"', "' OR '1'='1", '"; DROP TABLE memories; --', "\\", "{}", "null", "\u00e4", "a\u0308",
    "\u202eabc", "\U0001f469\u200d\U0001f467", "\u96e8", "x" * 300,
)  # fmt: skip
_SHIFTED = (
    ("a", "b", "c"),
    ("a", "b:c", ""),
    ("a:b", "c", ""),
    ("a", "b/c", ""),
    ("a/b", "c", ""),
    ("ab", "c", ""),
    ("a", "", "bc"),
    ("a", "b", ""),
)

SCOPES = tuple(
    {"agent": agent, "key": key, "user": user}
    for agent, key, user in dict.fromkeys(
        [
            *_SHIFTED,
            *(
                tuple(value if at == place else "plain" for at in range(3))
                for value in _HOSTILE
                for place in range(3)
            ),
            ("plain", "plain", ""),
            ("plain", "", "plain"),
        ]
    )
)
"""Scopes that a careless store takes for one another."""

METADATA: tuple[dict[str, object], ...] = (
    {},
    {"lang": "de", "year": 2020},
    {"lang": "fr", "year": 2024, "draft": True},
    {"lang": "de", "year": 2023.5, "draft": None},
    {"lang": None, "year": "2024", "draft": False},
    {"lang": ["de"], "year": {"from": 1}, "text": "x", "id": 7, "user_id": "other", "data": "x"},
    {"lang": "", "year": 0, "draft": 1},
    {"lang": "\u96e8'\"%_*", "year": -1, "nested.name": "dot"},
)

CONDITIONS: tuple[dict[str, object], ...] = (
    {},
    {"lang": "de"},
    {"lang": ["de", "fr"]},
    {"lang": None},
    {"lang": ""},
    {"lang": "\u96e8'\"%_*"},
    {"lang": {"ne": "de"}},
    {"lang": {"gt": "de"}},
    {"lang": "*"},
    {"year": {"gte": 2020, "lt": 2024}},
    {"year": {"lte": 0}},
    {"year": 0},
    {"year": "2024"},
    {"year": {"in": [2020, "2024", None]}},
    {"draft": True},
    {"draft": 1},
    {"draft": False},
    {"draft": None},
    {"draft": {"ne": None}},
    {"nested.name": "dot"},
    {"text": "x"},
    {"id": 7},
    {"user_id": "other"},
    {"data": "x"},
    {"lang": "de", "year": {"gt": 2021}},
    {"lang": []},
)

WRITINGS = {
    "Zurich": "Sie wohnt in Z\u00fcrich.",
    "zu\u0308rich": "Sie wohnt in Z\u00fcrich.",
    "na\u00efve": "A naive question about the tax.",
    "\u0441\u043d\u0435\u0433": "\u0417\u0438\u043c\u043e\u0439 \u043c\u043d\u043e\u0433\u043e "
    "\u0441\u043d\u0435\u0433 \u0438 \u043b\u0451\u0434.",
}
"""A memory for each query that is written in another way, or another script."""

QUERIES = (
    *("", " ", "*", '"', "'", "NEAR(", "tea AND", "text:tea", "-tea", "(", "tea^2", "a\x00b"),
    *("{tea coffee}", "\U0001f375", "\u0301", "tea " * 5_000, " ".join(map(str, range(3_000)))),
)
"""What people type, and what a careless store takes for a language of its own."""
