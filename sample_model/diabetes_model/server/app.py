"""The application: every route, and what is around them."""

import logging
from collections.abc import Mapping

from fastapi import FastAPI
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from diabetes_model.manifest import Manifest
from diabetes_model.server import page, plain, protocol_routes
from diabetes_model.server.answering import DirectRoute, as_json
from diabetes_model.server.documents import describe_bodies
from diabetes_model.server.logs import LOGGER
from diabetes_model.server.observed import Observed
from diabetes_model.server.protocol import Protocol
from diabetes_model.server.service import Service
from diabetes_model.server.settings import Settings
from diabetes_model.server.telemetry import configuration

UNAVAILABLE = 503
MEASURED: Mapping[str, str] = {"/predict": "predict", "/explain": "explain"}


def create_app(settings: Settings) -> Observed:
    """Loads the model and builds the application; a wrong artefact raises before anything listens."""
    service = Service.of(settings)
    manifest = service.model.manifest
    service.metrics.describe(_facts(manifest, service.tag))
    _warn_of_differences(settings, manifest)
    service.faults.begin()
    return observed(service)


def observed(service: Service) -> Observed:
    """The application around a service."""
    return Observed(
        application=routes(service),
        measured=dict([*MEASURED.items(), *Protocol(service).measured()]),
        identity=(
            (b"x-model-revision", service.settings.revision.encode()),
            (b"x-model-tag", service.tag.encode()),
        ),
        observe=service.metrics.observer(),
    )


def routes(service: Service) -> FastAPI:
    """The routes alone."""
    app = FastAPI(
        title=service.settings.model,
        version=service.tag,
        description="Predicts the progression of diabetes, and says why.",
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        telemetry=configuration(service.settings.signals, _resource(service)),
    )
    app.router.route_class = DirectRoute
    plain.add_model_routes(app, service)
    plain.add_fact_routes(app, service)
    app.include_router(protocol_routes.router(Protocol(service)))
    _probe_routes(app, service)
    describe_bodies(app)
    page.add(app)
    app.add_exception_handler(HTTPException, _problem)
    return app


def _probe_routes(app: FastAPI, service: Service) -> None:
    @app.get("/healthz", include_in_schema=False)
    async def healthz(_: Request) -> Response:
        return as_json({"alive": True})

    @app.get("/readyz", include_in_schema=False)
    async def readyz(_: Request) -> Response:
        ready = service.faults.ready()
        return as_json({"ready": ready}, 200 if ready else UNAVAILABLE)

    @app.get("/metrics", include_in_schema=False)
    async def metrics(_: Request) -> Response:
        return Response(service.metrics.exposition(), media_type=CONTENT_TYPE_LATEST)


async def _problem(_: Request, error: Exception) -> Response:
    """What is not found or not allowed, in the form of every other error."""
    assert isinstance(error, HTTPException)
    return as_json({"error": error.detail}, error.status_code)


def _facts(manifest: Manifest, tag: str) -> dict[str, str]:
    return {
        "tag": tag,
        "commit": manifest.image.commit,
        "snapshot": manifest.feature_snapshot.id,
        "seed": str(manifest.seed),
    }


def _resource(service: Service) -> dict[str, str]:
    """Who sends spans and metrics, unless the environment says otherwise."""
    return {
        "service.name": service.settings.model,
        "service.version": service.tag,
        "davylamp.revision": service.settings.revision,
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
