"""Scores with intervals, slices, importance, figures and success criteria."""
