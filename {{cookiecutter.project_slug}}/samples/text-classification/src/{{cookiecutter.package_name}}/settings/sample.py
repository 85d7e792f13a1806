"""What is said of the bundled data: it counts only where that is the source and config.py says nothing itself."""

SOURCE = "data/raw/written_languages.csv"
WORDS = {
    "goal": "Identify the language of a sentence, so that it reaches somebody who speaks it.",
}
