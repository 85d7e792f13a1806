"""What is said of the bundled data: it counts only where that is the source and config.py says nothing itself."""

SOURCE = "data/raw/penguins.csv"
WORDS = {
    "goal": "Identify the species of a penguin from its measurements, so that field workers need no blood sample.",
}
