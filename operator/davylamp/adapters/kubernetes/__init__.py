"""The Kubernetes API server: how it is found, asked, and how its refusals are translated."""
