"""Which of several operator processes acts."""
