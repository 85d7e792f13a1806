"""What counts only for the bundled data, and what counts for others instead."""

SOURCE = "data/raw/weather_warnings.csv"
WORDS = {  # where config.py says nothing itself
    "goal": "Warn of tomorrow's weather by that of today, so that people who work outdoors can prepare.",
}
ELSEWHERE: dict[str, tuple[object, object]] = {}  # by setting: what config.py says of the bundled data, and else
