"""A user's overlay on the pod template: merged by Kubernetes' rules, or refused with a path."""

from davylamp.manifests.overlay.defaults import model_port, stop_of
from davylamp.manifests.overlay.demands import check_demands
from davylamp.manifests.overlay.essentials import Essentials, upheld
from davylamp.manifests.overlay.merge import merged
from davylamp.manifests.overlay.privileges import Privilege
from davylamp.manifests.overlay.refused import TemplateRefused

__all__ = [
    "Essentials",
    "Privilege",
    "TemplateRefused",
    "check_demands",
    "merged",
    "model_port",
    "stop_of",
    "upheld",
]
