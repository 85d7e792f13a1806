"""What counts only for the bundled data, and what counts for others instead."""

SOURCE = "data/raw/noisy_words.zip"
WORDS = {  # where config.py says nothing itself
    "goal": "Estimate the signal-to-noise ratio of a recording in decibels, so that bad ones are recorded again.",
    "group": "speaker",
    "name_pattern": r"(?P<speaker>speaker\d+)",
}
ELSEWHERE: dict[str, tuple[object, object]] = {}  # by setting: what config.py says of the bundled data, and else
