"""The web server behind TensorFlow Serving's REST API, and the request log."""
