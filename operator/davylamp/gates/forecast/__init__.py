"""What the gates will be able to detect, and how soon."""
