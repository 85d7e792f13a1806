"""What counts only for the bundled data, and what counts for others instead."""

SOURCE = "data/raw/written_languages.csv"
WORDS = {  # where config.py says nothing itself
    "goal": "Identify the language of a sentence, so that it reaches somebody who speaks it.",
}
ELSEWHERE: dict[str, tuple[object, object]] = {}  # by setting: what config.py says of the bundled data, and else
