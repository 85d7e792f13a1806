"""The fit, its checkpoints, the runs that are kept, and the hyperparameter search."""
