"""Time series: times, steps, windows of a forecast, and the layers for them."""
