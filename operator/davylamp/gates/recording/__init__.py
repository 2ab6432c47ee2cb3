"""What the gates were shown, kept small, as files that can be judged again."""
