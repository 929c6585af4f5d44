import pyarrow.dataset as ds
from pyarrow import feather

feather.write_feather(ds.dataset("data/parts", format="parquet").to_table(), "out.feather")
