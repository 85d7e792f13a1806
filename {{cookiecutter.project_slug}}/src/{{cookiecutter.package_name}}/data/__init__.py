"""From the raw source to the examples tables, and from these to batches."""
