"""What Flink does with the agent's function, in this process, on state that is a dict."""

from __future__ import annotations

import pickle
import time

from pyflink.common import Row
from pyflink.fn_execution.metrics.process.metric_impl import GenericMetricGroup

from headrace import AgentPlan
from headrace.flink._function import AgentFunction
from headrace.flink._shards import ShardSelector


class State:
    """One state of the key at hand; it keeps copies, as a real one does when it is restored."""

    def __init__(self, store, name):
        self.store, self.name = store, name

    def value(self):
        return self.get(None)

    def update(self, value):
        self.put(None, value)

    def clear(self):
        self.remove(None)

    def items(self):
        here = (self.store.current, self.name)
        return [
            (key, pickle.loads(kept))
            for (*place, key), kept in self.store.kept.items()
            if tuple(place) == here
        ]

    def get(self, key):
        kept = self.store.kept.get((self.store.current, self.name, key))
        return None if kept is None else pickle.loads(kept)

    def put(self, key, value):
        self.store.kept[self.store.current, self.name, key] = pickle.dumps(value)

    def remove(self, key):
        self.store.kept.pop((self.store.current, self.name, key), None)


class Store:
    """The state of a job, and the timers that are due."""

    def __init__(self):
        self.kept, self.current = {}, 0
        self._keyed_state_backend = self

    def get_current_key(self):
        return Row(self.current)

    def set_current_key(self, row):
        (self.current,) = row

    def get_state(self, descriptor):
        return State(self, descriptor.name)

    get_map_state = get_state

    def get_task_name(self):
        return "agent"

    def get_attempt_number(self):
        return 0

    def get_index_of_this_subtask(self):
        return 0

    def get_number_of_parallel_subtasks(self):
        return 1

    def get_max_number_of_parallel_subtasks(self):
        return 128

    def get_metrics_group(self):
        return GenericMetricGroup(None, None)

    def of(self, name):
        return [pickle.loads(kept) for (_, each, _), kept in self.kept.items() if each == name]


class Turn:
    """What Flink gives with an element or a timer."""

    def __init__(self, store):
        self.store = store

    def get_current_key(self):
        return self.store.current

    def timestamp(self):
        return None

    def timer_service(self):
        return self

    def register_event_time_timer(self, _time):
        pass

    register_processing_time_timer = register_event_time_timer


class Worker:
    """Runs the function as Flink's worker does."""

    def __init__(self, agent, store):
        plan = AgentPlan.from_agent(agent)
        self.store = store
        self.shard = ShardSelector(by_key, None, plan.config.shards)
        self.function = AgentFunction(plan.model_dump_json(), by_key)
        self.function.open(store)
        self.busy = set()

    def element(self, value):
        """Gives an input; gives the outputs that left with it."""
        self.store.current = shard = self.shard(value)
        self.busy.add(shard)
        return list(self.function.process_element(value, Turn(self.store)))

    def ticks(self):
        """A timer for each shard; gives the outputs that left."""
        outputs = []
        for shard in self.busy:
            self.store.current = shard
            outputs += self.function.on_timer(0, Turn(self.store))
        return outputs

    def until(self, enough, outputs=()):
        """Ticks until the outputs are enough."""
        outputs, deadline = list(outputs), time.monotonic() + 20
        while len(outputs) < enough:
            assert time.monotonic() < deadline, outputs
            outputs += self.ticks()
        return outputs


def by_key(value):
    return value["key"]
