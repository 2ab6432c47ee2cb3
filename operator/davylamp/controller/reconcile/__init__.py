"""One pass over one ModelDeployment: observe, decide, write."""
