"""Where a past canary is read from."""
