"""What counts only for the bundled data, and what counts for others instead."""

SOURCE = "data/raw/auto_mpg.csv"
WORDS = {  # where config.py says nothing itself
    "goal": "Estimate a car's fuel economy in miles per gallon from its technical data.",
}
ELSEWHERE: dict[str, tuple[object, object]] = {}  # by setting: what config.py says of the bundled data, and else
