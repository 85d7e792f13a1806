"""Reads the request log and judges drift, quality and traffic."""
