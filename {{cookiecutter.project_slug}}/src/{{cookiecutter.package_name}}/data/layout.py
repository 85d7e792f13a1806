"""What stands where in an exported version: on this, the stages that write it and the server that reads it agree."""

from pathlib import Path

NAMED, SERIALIZED = "serving_default", "serialized_examples"  # the signatures
DESCRIPTION = Path("assets.extra", "model.json")
MORE_MISSING = 0.1  # share that may lack beyond what was seen; a column with no more room than that is required
WARMUP = Path("assets.extra", "tf_serving_warmup_requests")  # where TensorFlow Serving looks for it
