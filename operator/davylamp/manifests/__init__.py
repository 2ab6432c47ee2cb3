"""The Kubernetes objects of a revision, as plain JSON objects."""
