import mlflow
import pandas as pd
from sklearn.linear_model import LogisticRegression

mlflow.set_tracking_uri("sqlite:///mlflow.db")
mlflow.autolog()
table = pd.read_csv("data/people.csv")
with mlflow.start_run():
    LogisticRegression().fit(table[["age"]], table["visits"] > 3)
