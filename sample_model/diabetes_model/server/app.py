"""The HTTP contract: ``/predict``, ``/explain``, ``/manifest``, ``/healthz``, ``/readyz``, ``/metrics``."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from diabetes_model.explanation import Explanation
from diabetes_model.manifest import Manifest
from diabetes_model.model import Model
from diabetes_model.server.faults import FaultPlayer
from diabetes_model.server.logs import LOGGER, FailureLog
from diabetes_model.server.metrics import Metrics
from diabetes_model.server.observed import Observed
from diabetes_model.server.requests import Batch
from diabetes_model.server.settings import Settings


@dataclass(frozen=True, slots=True)
class Service:
    """What the routes answer from."""

    settings: Settings
    model: Model
    metrics: Metrics
    faults: FaultPlayer
    failures: FailureLog = field(default_factory=FailureLog)

    @property
    def tag(self) -> str:
        """The tag this server was deployed as, else the one that its image claims."""
        return self.settings.tag or self.model.manifest.image.tag

    def predict(self, batch: Batch) -> dict[str, Any]:
        """The answer of ``/predict``."""
        self.faults.maybe_fail()
        return {"predictions": self.model.predict(batch.values()), **self._identity()}

    def explain(self, batch: Batch) -> dict[str, Any]:
        """The answer of ``/explain``."""
        explanations = map(_plain, self.model.explain(batch.values()))
        return {"explanations": list(explanations), **self._identity()}

    def answer(self, route: str, ask: Callable[[], dict[str, Any]]) -> JSONResponse:
        """The answer to a valid request: 200, or an honest 500 when the model has none."""
        try:
            return JSONResponse(ask())
        except Exception as error:  # noqa: BLE001 - whatever the model raises is one counted 500
            self.failures.failed(route, error)
            reason = f"{type(error).__name__}: {error}"
            return JSONResponse({"error": reason, **self._identity()}, status_code=500)

    def _identity(self) -> dict[str, str]:
        return {"revision": self.settings.revision, "tag": self.tag}


def create_app(settings: Settings) -> Observed:
    """Loads the model and builds the application; a wrong artefact raises before anything listens."""
    model = Model.load(settings.model_directory)
    metrics = Metrics.of(model=settings.model, revision=settings.revision)
    service = Service(settings, model, metrics, FaultPlayer(settings.faults, time.monotonic()))
    metrics.describe(_facts(model.manifest, service.tag))
    _warn_of_differences(settings, model.manifest)
    service.faults.begin()
    return Observed(
        application=_routes(service),
        identity=(
            (b"x-model-revision", settings.revision.encode()),
            (b"x-model-tag", service.tag.encode()),
        ),
        observe=metrics.observer(),
    )


def _routes(service: Service) -> FastAPI:
    app = FastAPI(title=service.settings.model, version=service.tag)
    _model_routes(app, service)
    _probe_routes(app, service)
    return app


def _model_routes(app: FastAPI, service: Service) -> None:
    @app.post("/predict")
    async def predict(batch: Batch) -> JSONResponse:
        """Disease progression one year after baseline, one number per row."""
        return service.answer("predict", lambda: service.predict(batch))

    @app.post("/explain")
    async def explain(batch: Batch) -> JSONResponse:
        """Contributions that add up: ``prediction = baseline + sum(contributions)``."""
        return service.answer("explain", lambda: service.explain(batch))

    @app.get("/manifest")
    async def manifest() -> JSONResponse:
        """What this image claims about itself."""
        return JSONResponse(service.model.manifest.document())


def _probe_routes(app: FastAPI, service: Service) -> None:
    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> JSONResponse:
        return JSONResponse({"alive": True})

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> JSONResponse:
        ready = service.faults.ready()
        return JSONResponse({"ready": ready}, status_code=200 if ready else 503)

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(service.metrics.exposition(), media_type=CONTENT_TYPE_LATEST)


def _plain(explanation: Explanation) -> dict[str, Any]:
    return {
        "prediction": explanation.prediction,
        "baseline": explanation.baseline,
        "contributions": dict(explanation.contributions),
    }


def _facts(manifest: Manifest, tag: str) -> dict[str, str]:
    return {
        "tag": tag,
        "commit": manifest.image.commit,
        "snapshot": manifest.feature_snapshot.id,
        "seed": str(manifest.seed),
    }


def _warn_of_differences(settings: Settings, manifest: Manifest) -> None:
    claims = {
        "image tag": (settings.tag, manifest.image.tag),
        "feature snapshot": (settings.snapshot, manifest.feature_snapshot.id),
        "seed": (settings.seed, str(manifest.seed)),
    }
    for what, (deployed, trained) in claims.items():
        if deployed is not None and deployed != trained:
            log = logging.getLogger(LOGGER)
            log.warning("deployed with %s %s, trained with %s", what, deployed, trained)
