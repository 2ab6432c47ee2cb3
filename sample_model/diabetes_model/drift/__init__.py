"""The nightly job: does the model that serves still explain itself as it did in training?

Pure: ``evidence``, ``divergence``, ``verdict``. With the outside world: ``recent``,
``baseline``, ``publish``, ``command``. For people: ``report``, ``plots``, ``openmetrics``.
"""
