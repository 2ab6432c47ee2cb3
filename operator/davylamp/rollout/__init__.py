"""What happens next: a pure decision over everything that was observed."""
