"""Who is next: namespaces in turn, so that none waits for another's work."""
