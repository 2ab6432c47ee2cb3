"""A user's overlay on the pod template: merged by Kubernetes' rules, or refused with a path."""

from davylamp.manifests.overlay.essentials import Essentials, upheld
from davylamp.manifests.overlay.merge import merged
from davylamp.manifests.overlay.refused import ROOT, TemplateRefused, refuse

__all__ = ["ROOT", "Essentials", "TemplateRefused", "merged", "refuse", "upheld"]
