"""A deep-learning project: `python -m` the package, or `make`, runs the stages of its life cycle."""
