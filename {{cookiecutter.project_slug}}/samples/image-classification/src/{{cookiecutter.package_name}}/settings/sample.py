"""What is said of the bundled data: it counts only where that is the source and config.py says nothing itself."""

SOURCE = "data/raw/fashion_images.zip"
WORDS = {
    "goal": "Classify photographs of clothing, so that a shop can sort them automatically.",
}
