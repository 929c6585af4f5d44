import polars as pl

pl.scan_parquet("data/people.parquet").filter(pl.col("age") > 40).collect().write_csv("out.csv")
pl.read_csv("data/people.csv").write_parquet("again.parquet")
