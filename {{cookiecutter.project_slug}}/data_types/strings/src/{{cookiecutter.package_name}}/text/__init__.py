"""Texts: where they come from, what is measured of them, and how they are split into words."""
