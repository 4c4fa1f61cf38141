"""What the tests of the mem0 memory share.

mem0 and its embedded store are real. What stands in is intelligence: ``Scripted`` answers mem0's
prompt, and ours, from what it was taught; ``Hashed`` finds texts near that share words.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import unicodedata

import pytest

from headrace.chat import ChatResponse, Message
from headrace.interfaces import ChatModel, EmbeddingModel
from headrace_mem0 import Mem0Memory


class Hashed(EmbeddingModel):
    """An embedder without intelligence: a text is near to those that share its words."""

    def __init__(self, dimensions=512):
        self.dimensions = dimensions
        self.asked = []
        self.failure = None

    async def embed(self, texts):
        self.asked += texts
        if self.failure is not None:
            raise self.failure
        return [self.vector(text) for text in texts]

    def vector(self, text):
        vector = [0.0] * self.dimensions
        bare = unicodedata.normalize("NFKD", text.casefold())
        for word in re.findall(r"\w+", "".join(c for c in bare if not unicodedata.combining(c))):
            digest = hashlib.sha256(word.encode()).digest()
            vector[int.from_bytes(digest[:4], "big") % self.dimensions] += 1.0
        return vector if any(vector) else [1.0] * self.dimensions


FACTS = {
    "live in Zürich": "User lives in Zürich",
    "cat is called Minka": "User has a cat called Minka",
    "live in Bern": "User moved and lives in Bern",
}
ENDS = {"User moved and lives in Bern": ["User lives in Zürich"]}


class Scripted(ChatModel):
    """In the place of a model's intelligence: knows a few facts, and which of them end others.

    It reads mem0's real prompt: only facts whose words stand under ``New Messages`` are found, and
    only memories that were shown to it are named as outdated.
    """

    def __init__(self):
        self.requests = []
        self.answers = []
        self.hold = None

    async def chat(self, request):
        self.requests.append(request)
        if self.hold is not None:
            await self.hold()
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
        else:
            answer = json.dumps(self.think(request))
        return ChatResponse(message=Message(role="assistant", content=answer))

    def think(self, request):
        system, user = (message.content for message in request.messages)
        if "## New Messages" in user:
            assert "Your sole operation is ADD" in system
            said = user.split("## New Messages")[1]
            found = [fact for words, fact in FACTS.items() if words in said]
            return {
                "memory": [
                    {"id": str(n), "text": fact, "attributed_to": "user"}
                    for n, fact in enumerate(found)
                ]
            }
        shown = json.loads(user)
        ended = {old for new in shown["NEW"] for old in ENDS.get(new, [])}
        return {"outdated": [one["number"] for one in shown["OLD"] if one["text"] in ended]}


@pytest.fixture
def hashed():
    return Hashed


@pytest.fixture
def scripted():
    return Scripted


@pytest.fixture
def memory(tmp_path):
    """Makes a memory with stand-ins for the agent's models, not yet open."""

    def made(embedder=None, model=None, **arguments):
        resources = {
            ("embedding_models", "near"): embedder or Hashed(),
            ("chat_models", "clever"): model,
        }

        async def find(kind, name):
            return resources[kind, name]

        arguments = {"path": str(tmp_path / "memories"), "dimensions": 512, **arguments}
        named = None if model is None else "clever"
        backend = Mem0Memory(embedder="near", model=named, **arguments)
        backend.resource_lookup = find
        return backend

    return made


@pytest.fixture
def using():
    """Runs ``talk`` with an open memory."""

    def run(backend, talk):
        async def go():
            await backend.open()
            try:
                return await talk(backend)
            finally:
                await backend.close()

        return asyncio.run(asyncio.wait_for(go(), 60))

    return run
