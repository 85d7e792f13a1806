"""What is said of the bundled data: it counts only where that is the source and config.py says nothing itself."""

SOURCE = "data/raw/english_to_french.tsv"
WORDS = {
    "goal": "Translate dates, quantities and names from English into French, so that forms exist in both languages.",
}
