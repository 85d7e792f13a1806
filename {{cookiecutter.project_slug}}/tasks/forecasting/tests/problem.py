"""What the tests of every stage need to know of the task."""

TARGET, OTHER_TARGET = "load", "kind"
LENIENT = {"rmse": "drift"}
UNREACHABLE = {"coverage": 1.01}
EASY_METRIC, EASY_THRESHOLD, BASELINE = "rmse", 1e9, "drift"
