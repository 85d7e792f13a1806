"""What counts only for the bundled data, and what counts for others instead."""

SOURCE = "data/raw/heart_disease.csv"
WORDS = {  # where config.py says nothing itself
    "goal": "Find the patients with narrowed coronary arteries, so that only they are examined with a catheter.",
    "limits": "Data of 1981 to 1987, of patients who had been sent to a hospital. To learn from, not to treat anybody.",
}
ELSEWHERE: dict[str, object] = {  # of another source, as long as config.py describes the bundled data
    "ignore": (),
    "metric": "accuracy",
    "criteria": {"log_loss": "majority"},
    "positive": "",
    "costs": {},
    "slices": (),
}
