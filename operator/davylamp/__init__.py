"""Davylamp: rolls out machine-learning models and takes them back by itself."""
