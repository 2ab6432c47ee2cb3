"""Names that others rely on."""

CLUSTER = "davylamp"
CONTEXT = f"kind-{CLUSTER}"
NODE = f"{CLUSTER}-control-plane"
PROMETHEUS_URL = "http://127.0.0.1:30090"
