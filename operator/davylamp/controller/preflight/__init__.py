"""What answers queries, found out before anything depends on it."""
