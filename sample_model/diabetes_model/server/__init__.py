"""Serving: one process per pod, scaled by replicas."""
