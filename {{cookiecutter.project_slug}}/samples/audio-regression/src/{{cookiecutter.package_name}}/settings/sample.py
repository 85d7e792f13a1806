"""What is said of the bundled data: it counts only where that is the source and config.py says nothing itself."""

SOURCE = "data/raw/noisy_words.zip"
WORDS = {
    "goal": "Estimate the signal-to-noise ratio of a recording in decibels, so that bad ones are recorded again.",
    "group": "speaker",
    "name_pattern": r"(?P<speaker>speaker\d+)",
}
