"""What counts only for the bundled data, and what counts for others instead."""

SOURCE = "data/raw/written_languages.csv"
WORDS = {  # where config.py says nothing itself
    "goal": "Identify the language of a sentence, so that it reaches somebody who speaks it.",
}
ELSEWHERE: dict[str, object] = {}  # of another source, as long as config.py describes the bundled data
