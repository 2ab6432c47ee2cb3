"""The lowest layer: strict models, quantities, JSON and text from outside."""
