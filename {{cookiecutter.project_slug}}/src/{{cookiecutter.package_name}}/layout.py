"""What stands where in an exported version: on this, the stages that write it and the server that reads it agree."""

from pathlib import Path

NAMED, SERIALIZED = "serving_default", "serialized_examples"  # the signatures
DESCRIPTION = Path("assets.extra", "model.json")
WARMUP = Path("assets.extra", "tf_serving_warmup_requests")  # where TensorFlow Serving looks for it
