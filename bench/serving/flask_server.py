"""The plainest server that could do the job: bare Flask around the same graph, nothing checked or counted."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from flask import Flask, request

NAMES = ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")


def create_app(directory: Path) -> Flask:
    """Loads the graph and builds the application."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(directory / "model.onnx"), options)
    manifest = json.loads((directory / "manifest.json").read_text())
    baseline = manifest["explanationBaseline"]["expectedValue"]
    app = Flask(__name__)

    def run() -> Any:
        rows = [[row[name] for name in NAMES] for row in request.get_json()["rows"]]
        return session.run(None, {"features": np.array(rows, dtype=np.float64)})

    @app.post("/predict")
    def predict() -> dict[str, Any]:
        return {"predictions": run()[0].tolist()}

    @app.post("/explain")
    def explain() -> dict[str, Any]:
        explanations = zip(*(values.tolist() for values in run()), strict=True)
        return {"explanations": [_explanation(baseline, *one) for one in explanations]}

    return app


def _explanation(baseline: float, prediction: float, contributions: list[float]) -> dict[str, Any]:
    named = dict(zip(NAMES, contributions, strict=True))
    return {"prediction": prediction, "baseline": baseline, "contributions": named}
