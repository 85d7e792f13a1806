"""What each room, the data type, the task and the scale declare; config.py adds what people change most."""
