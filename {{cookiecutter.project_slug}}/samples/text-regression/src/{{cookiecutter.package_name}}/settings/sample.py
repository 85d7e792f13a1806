"""What counts only for the bundled data, and what counts for others instead."""

SOURCE = "data/raw/written_dates.csv"
WORDS = {  # where config.py says nothing itself
    "goal": "Extract the year from a date written in words, so that letters in an archive can be sorted.",
}
ELSEWHERE: dict[str, tuple[object, object]] = {}  # by setting: what config.py says of the bundled data, and else
