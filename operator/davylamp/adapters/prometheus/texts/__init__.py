"""The texts that Prometheus answers: received, and read where they do no harm."""
