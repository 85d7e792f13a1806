"""Sources, training splits and predictions that do not fit in the memory of one machine."""
