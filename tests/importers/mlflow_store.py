# SPDX-License-Identifier: Apache-2.0
"""Makes an MLflow store with the real package, or serves one; run as a program of its own.

MLflow warns about itself at every step, and warnings are errors in our tests.
"""

import os
import sys
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def build(uri: str) -> None:
    import mlflow
    import pandas as pd
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModelInput
    from mlflow.pyfunc import PythonModel, log_model

    class Echo(PythonModel):
        def predict(self, context, model_input, params=None):
            return model_input

    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment("churn")
    client = MlflowClient()
    frame = pd.DataFrame({"a": range(100), "b": range(100)})
    frame.to_csv("data.csv", index=False)
    train = mlflow.data.from_pandas(
        frame, source=str(Path("data.csv").resolve()), name="churn-train"
    )
    test = mlflow.data.from_pandas(frame, source="s3://lake/churn/test.csv", name="churn-test")
    with mlflow.start_run(run_name="sweep"):
        mlflow.set_tag("mlflow.source.git.commit", "0123456")
        with mlflow.start_run(run_name="train", nested=True) as run:
            mlflow.set_tag("mlflow.source.git.commit", COMMIT)
            mlflow.set_tag("mlflow.source.git.repoURL", "https://ana:hunter2@git.example/churn.git")
            mlflow.log_params({"lr": 0.1, "depth": 3, "api_key": "not-for-you"})
            mlflow.log_params({"rate": "1e-2", "folds": "007", "torch_version": "1.10"})
            for step in range(5):
                mlflow.log_metric("auc", 0.5 + step / 10, step=step)
            mlflow.log_metric("bad", float("nan"))
            mlflow.log_metric("inf", float("-inf"))
            mlflow.log_input(train, context="training")
            mlflow.log_input(test, context="validation")
            mlflow.log_text("x" * 100, "report/notes.txt")
            info = log_model(name="model", python_model=Echo(), pip_requirements=[])
            mlflow.log_metric("auc", 0.93, step=9, model_id=info.model_id, dataset=test)
    client.create_registered_model("fraud", description="Finds fraud.")
    for source in (info.model_uri, f"runs:/{run.info.run_id}/report", "models:/fraud/1"):
        version = client.create_model_version("fraud", source, run_id=run.info.run_id)
    client.set_registered_model_alias("fraud", "champion", "1")
    client.set_registered_model_alias("fraud", "audited", "1")
    client.set_model_version_tag("fraud", version.version, "risk", "low")
    with mlflow.start_run(run_name="tune") as tune:
        client.log_inputs(tune.info.run_id, models=[LoggedModelInput(info.model_id)])
    client.delete_run(tune.info.run_id)


def serve(uri: str) -> None:
    os.environ["_MLFLOW_SERVER_FILE_STORE"] = os.environ["_MLFLOW_SERVER_REGISTRY_STORE"] = uri
    os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"] = "./mlruns"
    from mlflow.server import app
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, app, threaded=True)
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    {"build": build, "serve": serve}[sys.argv[1]](sys.argv[2])
