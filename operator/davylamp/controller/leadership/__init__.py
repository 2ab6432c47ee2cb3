"""Which of several operator processes works."""
