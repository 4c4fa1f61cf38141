"""The paying agent in a Flink job; a test gives it the module ``place``."""

import json
import time

from paying import Paying
from place import AGENT, FOLDER, INPUTS, KEYS, PAUSE

from headrace.flink import process
from headrace.jobs import job


def value_of(number):
    """The input of a number; they come no quicker than the agent takes them.

    From the end of a bounded input on there are no checkpoints, and it is to have many.
    """
    time.sleep(PAUSE)
    return {"key": f"k{number % KEYS}", "n": number}


def key_of(value):
    return value["key"]


@job(Paying(**AGENT), name="paying")
def paying(env, plans):
    from pyflink.common import Encoder, Types, WatermarkStrategy
    from pyflink.datastream.connectors.file_system import FileSink, RollingPolicy
    from pyflink.datastream.connectors.number_seq import NumberSequenceSource

    numbers = env.from_source(
        NumberSequenceSource(0, INPUTS - 1), WatermarkStrategy.no_watermarks(), "numbers"
    ).uid("numbers")
    (plan,) = plans.values()
    values = numbers.map(value_of).name("values")
    output = process(values, plan, key=key_of, render=json.dumps, output_type=Types.STRING()).output
    output.sink_to(
        FileSink.for_row_format(f"{FOLDER}/out", Encoder.simple_string_encoder())
        .with_rolling_policy(RollingPolicy.on_checkpoint_rolling_policy())
        .build()
    ).uid("out")
