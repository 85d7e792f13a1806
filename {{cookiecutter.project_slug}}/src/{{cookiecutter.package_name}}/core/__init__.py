"""What every room stands on: settings, paths, artifacts, errors, the command line."""
