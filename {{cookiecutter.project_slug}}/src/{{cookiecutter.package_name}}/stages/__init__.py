"""One module per target of the Makefile."""
