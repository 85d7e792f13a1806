"""Transfer learning: training on networks that were trained on other data."""
