import duckdb

duckdb.sql(
    "COPY (SELECT age, sum(visits) AS n FROM 'data/people.parquet' GROUP BY age) TO 'out.csv'"
)
duckdb.sql("COPY (SELECT * FROM 'data/people.csv') TO 'out.parquet'")
