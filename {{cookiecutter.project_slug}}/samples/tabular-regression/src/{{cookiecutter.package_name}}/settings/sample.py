"""What is said of the bundled data: it counts only where that is the source and config.py says nothing itself."""

SOURCE = "data/raw/auto_mpg.csv"
WORDS = {
    "goal": "Estimate a car's fuel economy in miles per gallon from its technical data.",
}
