"""An unbounded job without Python functions: datagen -> windowed totals -> blackhole.

usage: stream_totals.py JOB_NAME [PARALLELISM]
"""
import sys

from pyflink.table import EnvironmentSettings, TableEnvironment

name, parallelism = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "2"
t = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
t.get_config().set("pipeline.name", name)
t.get_config().set("parallelism.default", parallelism)
t.execute_sql("""
    CREATE TABLE events (account INT, amount DOUBLE, ts AS PROCTIME())
    WITH ('connector' = 'datagen', 'rows-per-second' = '20',
          'fields.account.min' = '1', 'fields.account.max' = '50')""")
t.execute_sql("""
    CREATE TABLE totals (account INT, total DOUBLE) WITH ('connector' = 'blackhole')""")
t.execute_sql("""
    INSERT INTO totals
    SELECT account, SUM(amount) FROM TABLE(
        TUMBLE(TABLE events, DESCRIPTOR(ts), INTERVAL '5' SECOND))
    GROUP BY account, window_start, window_end""")
