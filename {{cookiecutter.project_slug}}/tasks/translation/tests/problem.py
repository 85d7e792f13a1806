"""What the tests of every stage need to know of the task."""

TARGET, OTHER_TARGET = "target", "kind"
LENIENT = {"chrf": "copy"}
UNREACHABLE = {"bleu": 101.0}
EASY_METRIC, EASY_THRESHOLD, BASELINE = "chrf", 0, "copy"
