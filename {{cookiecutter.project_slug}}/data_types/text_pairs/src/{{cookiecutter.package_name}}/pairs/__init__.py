"""Pairs of texts: where they come from, sub-words, and the Transformer that translates."""
