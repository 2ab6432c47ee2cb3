"""A user's overlay on the pod template: merged by Kubernetes' rules, or refused with a path."""

from davylamp.manifests.overlay.defaults import model_port, stop_of
from davylamp.manifests.overlay.essentials import Essentials, upheld
from davylamp.manifests.overlay.merge import merged
from davylamp.manifests.overlay.refused import TemplateRefused

__all__ = ["Essentials", "TemplateRefused", "merged", "model_port", "stop_of", "upheld"]
