"""The Open Inference Protocol, version 2, and ``explain`` as an extension of it.

``explain`` takes what ``infer`` takes and answers three tensors, ``predictions`` and ``baselines`` of
shape [n] and ``contributions`` of shape [n, 10]: in each row baseline and contributions add up to the
prediction. A model's version is its revision.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from diabetes_model import contract
from diabetes_model.model import Matrix
from diabetes_model.server.requests import RefusedError
from diabetes_model.server.service import Service
from diabetes_model.server.tensors import (
    BAD_REQUEST,
    FEATURES,
    InferenceRequest,
    features_of,
    parsed,
)

NAME = "diabetes-model"
PLATFORM = "onnx_onnxv1"
NOT_FOUND = 404
PREDICTIONS, BASELINES, CONTRIBUTIONS = "predictions", "baselines", "contributions"
PLACES = ("/v2/models/{model}", "/v2/models/{model}/versions/{version}")

Tensors = Mapping[str, Matrix]


@dataclass(frozen=True, slots=True)
class Verb:
    """What can be asked of a model: the route it counts as, and tensors of these names."""

    route: str
    outputs: tuple[str, ...]
    ask: Callable[[Service, Matrix], Tensors]


def _inferred(service: Service, features: Matrix) -> Tensors:
    return {PREDICTIONS: service.predict(features)}


def _explained(service: Service, features: Matrix) -> Tensors:
    explained = service.explain(features)
    return {
        PREDICTIONS: explained.predictions,
        BASELINES: np.full(len(features), explained.baseline),
        CONTRIBUTIONS: explained.contributions,
    }


VERBS: Mapping[str, Verb] = MappingProxyType(
    {
        "infer": Verb("predict", (PREDICTIONS,), _inferred),
        "explain": Verb("explain", (PREDICTIONS, BASELINES, CONTRIBUTIONS), _explained),
    }
)


@dataclass(frozen=True, slots=True)
class Protocol:
    """The service in the words of the protocol.

    The model answers to the name it is deployed under, and to the one in its manifest.
    """

    service: Service

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the model, each once."""
        names = (self.service.settings.model, self.service.model.manifest.model)
        return tuple(dict.fromkeys(names))

    @property
    def version(self) -> str:
        """The only version served."""
        return self.service.settings.revision

    def measured(self) -> Iterator[tuple[str, str]]:
        """The paths whose answers are counted, and the route as which they are."""
        for name in self.names:
            for place in PLACES:
                for verb, tensors in VERBS.items():
                    yield f"{place.format(model=name, version=self.version)}/{verb}", tensors.route

    def server(self) -> dict[str, Any]:
        """Metadata of the server."""
        extensions = [verb for verb in VERBS if verb != "infer"]
        return {"name": NAME, "version": self.service.tag, "extensions": extensions}

    def model(self, name: str) -> dict[str, Any]:
        """Metadata of the model; ``parameters.columns`` is the order in ``features``."""
        return {
            "name": name,
            "versions": [self.version],
            "platform": PLATFORM,
            "inputs": [{"name": FEATURES, "datatype": "FP64", "shape": [-1, len(contract.NAMES)]}],
            "outputs": [{"name": PREDICTIONS, "datatype": "FP64", "shape": [-1]}],
            "parameters": {"columns": list(contract.NAMES), "tag": self.service.tag},
        }

    def check(self, name: str, version: str | None) -> None:
        """Raises RefusedError, 404, to who asks for another model or version."""
        reason = None
        if name not in self.names:
            reason = f"no model {name} here, only {self.names[0]}"
        elif version not in (None, self.version):
            reason = f"no version {version} of {name} here, only {self.version}"
        if reason:
            raise RefusedError(NOT_FOUND, {"error": reason})

    def answer(self, name: str, verb: Verb, body: bytes) -> dict[str, Any]:
        """The answer to ``infer`` or ``explain``.

        Raises:
            RefusedError: 400 or 422, see ``tensors``.
            Exception: whatever the model raises.
        """
        request = parsed(body)
        wanted = _wanted(request, verb)
        tensors = verb.ask(self.service, features_of(request))
        return {
            "model_name": name,
            "model_version": self.version,
            **({} if request.id is None else {"id": request.id}),
            "parameters": {"tag": self.service.tag},
            "outputs": [_tensor(output, tensors[output]) for output in wanted],
        }


def _wanted(request: InferenceRequest, verb: Verb) -> tuple[str, ...]:
    if not request.outputs:
        return verb.outputs
    wanted = tuple(output.name for output in request.outputs)
    unknown = set(wanted) - set(verb.outputs)
    if unknown:
        reason = f"outputs: {', '.join(sorted(unknown))} is none of {', '.join(verb.outputs)}"
        raise RefusedError(BAD_REQUEST, {"error": reason})
    return wanted


def _tensor(name: str, values: Matrix) -> dict[str, Any]:
    data = values.ravel().tolist()
    return {"name": name, "shape": list(values.shape), "datatype": "FP64", "data": data}
