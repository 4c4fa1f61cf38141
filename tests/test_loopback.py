"""The loopback provider is worth something only if no broken rule can pass it."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request

import pytest
from tests.loopback import Answer, Loopback, as_json, serving


class Polite(Loopback):
    """A provider that wants to be asked politely."""

    def faults_in(self, path, body, headers):
        return [] if body.get("please") else ["no please"]

    def refusal(self, why):
        return as_json(400, {"why": why})

    def tell(self, text):
        self.answers.append(text)

    def sent(self, answer, path, body):
        return as_json(200, answer)


def post(provider, body):
    request = urllib.request.Request(provider.url, json.dumps(body).encode())  # noqa: S310
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as answer:
        return json.loads(answer.read())


def test_a_broken_rule_is_refused_and_fails_the_test_all_the_same():
    def ask_and_go_on():
        with serving(Polite()) as provider:
            provider.answers.append({"answer": 1})
            with pytest.raises(urllib.error.HTTPError, match="400"):
                post(provider, {})

    with pytest.raises(AssertionError, match="no please"):
        ask_and_go_on()


def test_answers_come_in_order_and_the_last_again_and_again():
    with serving(Polite()) as provider:
        provider.answers += [1, 2]

        assert [post(provider, {"please": 1}) for _ in range(3)] == [1, 2, 2]


def test_pieces_may_end_with_a_cut():
    with serving(Polite()) as provider:
        provider.answers.append(Answer(pieces=(b"[1,", b"2]"), end="cut"))

        with pytest.raises(http.client.IncompleteRead):
            post(provider, {"please": 1})
