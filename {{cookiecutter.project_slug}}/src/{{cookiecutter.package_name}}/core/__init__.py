"""What every room builds on: artifacts, errors, the command line, staleness."""
