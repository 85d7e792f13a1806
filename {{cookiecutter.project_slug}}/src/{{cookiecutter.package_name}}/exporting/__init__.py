"""The SavedModel, the proof that it predicts the same, and the registry of versions."""
