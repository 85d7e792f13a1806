"""What counts only for the bundled data, and what counts for others instead."""

SOURCE = "data/raw/fashion_outfits.zip"
WORDS = {  # where config.py says nothing itself
    "goal": "Name all pieces of clothing in a picture, so that outfits can be searched by them.",
}
ELSEWHERE: dict[str, tuple[object, object]] = {  # by setting: what config.py says of the bundled data, and else
    "backbone": ("none", "auto"),
    "epochs": (15, 0),
}
