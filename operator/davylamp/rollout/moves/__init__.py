"""What can happen next: small moves, functions from one situation to the next."""
