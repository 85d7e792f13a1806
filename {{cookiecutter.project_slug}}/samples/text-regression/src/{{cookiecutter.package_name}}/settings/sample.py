"""What is said of the bundled data: it counts only where that is the source and config.py says nothing itself."""

SOURCE = "data/raw/written_dates.csv"
WORDS = {
    "goal": "Extract the year from a date written in words, so that letters in an archive can be sorted.",
}
