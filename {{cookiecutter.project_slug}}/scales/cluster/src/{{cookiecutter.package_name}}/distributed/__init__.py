"""Training and searching by several processes, on one machine or many."""
