"""Statistics, schema and anomalies of the data, by TensorFlow Data Validation."""
