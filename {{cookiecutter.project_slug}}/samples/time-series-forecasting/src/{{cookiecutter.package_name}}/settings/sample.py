"""What is said of the bundled data: it counts only where that is the source and config.py says nothing itself."""

SOURCE = "data/raw/seattle_weather.csv"
WORDS = {
    "goal": "Forecast the highest temperature of each of the next seven days, so that shifts can be planned ahead.",
}
