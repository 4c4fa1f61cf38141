"""A bounded job that finishes by itself.

usage: batch_report.py JOB_NAME [python]     (with 'python': through a Python function)
"""
import sys

from pyflink.table import DataTypes, EnvironmentSettings, TableEnvironment
from pyflink.table.udf import udf


@udf(result_type=DataTypes.STRING())
def band(amount):
    return "large" if amount > 500 else "small"


name, python = sys.argv[1], sys.argv[2:] == ["python"]
t = TableEnvironment.create(EnvironmentSettings.in_batch_mode())
t.get_config().set("pipeline.name", name)
t.create_temporary_function("band", band)
t.execute_sql("""
    CREATE TABLE orders (id BIGINT, amount INT) WITH ('connector' = 'datagen',
        'number-of-rows' = '2000', 'fields.amount.min' = '1', 'fields.amount.max' = '1000')""")
t.execute_sql("""
    CREATE TABLE report (band STRING, n BIGINT) WITH ('connector' = 'blackhole')""")
key = "band(amount)" if python else "CASE WHEN amount > 500 THEN 'large' ELSE 'small' END"
t.execute_sql(f"INSERT INTO report SELECT b, COUNT(*) FROM (SELECT {key} AS b FROM orders) GROUP BY b")
