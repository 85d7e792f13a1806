"""What is said of the bundled data: it counts only where that is the source and config.py says nothing itself."""

SOURCE = "data/raw/weather_warnings.csv"
WORDS = {
    "goal": "Warn of tomorrow's weather by that of today, so that people who work outdoors can prepare.",
}
