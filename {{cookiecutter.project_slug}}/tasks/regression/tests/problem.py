"""What the tests of every stage need to know of the task."""

TARGET, OTHER_TARGET = "price", "kind"
LENIENT = {"rmse": "mean"}
UNREACHABLE = {"r2": 1.01}
EASY_METRIC, EASY_THRESHOLD, BASELINE = "rmse", 1e9, "mean"
