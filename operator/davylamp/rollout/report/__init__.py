"""The status of a ModelDeployment, for users, `kubectl wait` and alerts."""
