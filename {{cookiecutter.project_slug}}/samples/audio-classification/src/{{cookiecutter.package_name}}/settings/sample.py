"""What counts only for the bundled data, and what counts for others instead."""

SOURCE = "data/raw/spoken_words.zip"
WORDS = {  # where config.py says nothing itself
    "goal": "Recognize which of a few words was spoken, so that a device can be controlled by voice.",
    "group": "speaker",
    "name_pattern": r"(?P<speaker>speaker\d+)",
}
ELSEWHERE: dict[str, tuple[object, object]] = {  # by setting: what config.py says of the bundled data, and else
    "epochs": (25, 0),
}
