"""The outside world behind small protocols: the API server and Prometheus."""
