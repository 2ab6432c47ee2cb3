"""The pods of a model, asked directly."""
