"""Who gets traffic: the router protocol and its implementations."""
