"""What the tests of every stage need to know of the task."""

TARGET, OTHER_TARGET = "kind", "price"
LENIENT = {"log_loss": "majority"}
UNREACHABLE = {"accuracy": 1.01}
EASY_METRIC, EASY_THRESHOLD, BASELINE = "log_loss", 1e9, "majority"
