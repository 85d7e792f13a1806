"""What counts only for the bundled data, and what counts for others instead."""

SOURCE = "data/raw/turned_images.zip"
WORDS = {  # where config.py says nothing itself
    "goal": "Estimate by how many degrees a picture is rotated, so that it can be turned upright.",
}
ELSEWHERE: dict[str, tuple[object, object]] = {  # by setting: what config.py says of the bundled data, and else
    "epochs": (15, 0),
}
