"""What counts only for the bundled data, and what counts for others instead."""

SOURCE = "data/raw/seattle_weather.csv"
WORDS = {  # where config.py says nothing itself
    "goal": "Forecast the highest temperature of each of the next seven days, so that shifts can be planned ahead.",
}
ELSEWHERE: dict[str, tuple[object, object]] = {}  # by setting: what config.py says of the bundled data, and else
