"""What the gates tell people: numbers, descriptions, sentences."""
