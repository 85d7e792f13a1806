"""Settings of each room, the data type, the task and the scale; config.py adds what people change most."""
