"""An unbounded job whose Python function raises ValueError on a poisoned record.

Every record has its number as price, but each POISON_EVERY-th has 'N/A'.

usage: click_prices.py JOB_NAME POISON_EVERY
"""
import sys

from pyflink.table import DataTypes, EnvironmentSettings, TableEnvironment
from pyflink.table.udf import udf


@udf(result_type=DataTypes.BIGINT())
def parse_price(text):
    return int(text)


name, poison_every = sys.argv[1], int(sys.argv[2])
t = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
t.get_config().set("pipeline.name", name)
t.get_config().set("python.fn-execution.bundle.time", "500")
t.create_temporary_function("parse_price", parse_price)
t.execute_sql("""
    CREATE TABLE clicks (id BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '20',
        'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '1000000')""")
t.execute_sql("CREATE TABLE prices (id BIGINT, price BIGINT) WITH ('connector' = 'blackhole')")
t.execute_sql(f"""
    INSERT INTO prices
    SELECT id, parse_price(CASE WHEN MOD(id, {poison_every}) = 0 THEN 'N/A' ELSE CAST(id AS STRING) END)
    FROM clicks""")
