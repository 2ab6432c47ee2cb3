"""What can happen next: small moves, each a function from one situation to the next."""
