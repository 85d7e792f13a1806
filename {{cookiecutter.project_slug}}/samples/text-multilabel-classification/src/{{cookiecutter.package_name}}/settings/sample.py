"""What counts only for the bundled data, and what counts for others instead."""

SOURCE = "data/raw/mixed_languages.csv"
WORDS = {  # where config.py says nothing itself
    "goal": "Find all languages that a text is written in, so that it reaches people who speak them.",
}
ELSEWHERE: dict[str, tuple[object, object]] = {}  # by setting: what config.py says of the bundled data, and else
