"""What counts only for the bundled data, and what counts for others instead."""

SOURCE = "data/raw/english_to_french.tsv"
WORDS = {  # where config.py says nothing itself
    "goal": "Translate dates, quantities and names from English into French, so that forms exist in both languages.",
}
ELSEWHERE: dict[str, tuple[object, object]] = {  # by setting: what config.py says of the bundled data, and else
    "epochs": (6, 0),
}
