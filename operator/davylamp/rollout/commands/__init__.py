"""What users ask for: which commands wait for an answer, and what they are answered."""
