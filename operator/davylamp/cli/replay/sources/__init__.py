"""The sources of a past canary: a file of counters, a flight record, Prometheus."""
