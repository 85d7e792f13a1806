"""What counts only for the bundled data, and what counts for others instead."""

SOURCE = "data/raw/spoken_phrases.zip"
WORDS = {  # where config.py says nothing itself
    "goal": "Find all commands in a recording, so that a device can be controlled by more than one word at a time.",
    "group": "speaker",
    "name_pattern": r"(?P<speaker>speaker\d+)",
}
ELSEWHERE: dict[str, tuple[object, object]] = {  # by setting: what config.py says of the bundled data, and else
    "epochs": (25, 0),
}
