"""What every page and card shares: blocks, figures, templates."""
