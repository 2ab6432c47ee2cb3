"""Driving the local cluster: for the demo, the end-to-end tests and the benches.

`kubectl` and waiting, models and what became of them, steady traffic and what it was answered, the
operator's own metrics. Nothing here reaches any cluster but the local one.
"""
