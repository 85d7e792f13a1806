"""What is said of the bundled data: it counts only where that is the source and config.py says nothing itself."""

SOURCE = "data/raw/turned_images.zip"
WORDS = {
    "goal": "Estimate by how many degrees a picture is rotated, so that it can be turned upright.",
}
