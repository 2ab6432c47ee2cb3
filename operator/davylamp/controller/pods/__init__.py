"""What is known of pods beside their objects: times by our own clock, and what kubelets warn of."""
