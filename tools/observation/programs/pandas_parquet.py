import pandas as pd

table = pd.read_parquet("data/people.parquet")
table.groupby("age").sum().to_parquet("out.parquet")
