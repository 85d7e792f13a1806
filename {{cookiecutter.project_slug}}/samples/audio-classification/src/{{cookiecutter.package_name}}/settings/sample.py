"""What is said of the bundled data: it counts only where that is the source and config.py says nothing itself."""

SOURCE = "data/raw/spoken_words.zip"
WORDS = {
    "goal": "Recognize which of a few words was spoken, so that a device can be controlled by voice.",
    "group": "speaker",
    "name_pattern": r"(?P<speaker>speaker\d+)",
}
