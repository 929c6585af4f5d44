import joblib
import pandas as pd
from sklearn.linear_model import LogisticRegression

table = pd.read_csv("data/people.csv")
model = LogisticRegression().fit(table[["age"]], table["visits"] > 3)
joblib.dump(model, "model.joblib")
