"""What counts only for the bundled data, and what counts for others instead."""

SOURCE = "data/raw/fashion_images.zip"
WORDS = {  # where config.py says nothing itself
    "goal": "Classify photographs of clothing, so that a shop can sort them automatically.",
}
ELSEWHERE: dict[str, tuple[object, object]] = {  # by setting: what config.py says of the bundled data, and else
    "epochs": (20, 0),
}
