"""Predicts the progression of diabetes: snapshot, training, artefact and server."""
