"""What counts only for the bundled data, and what counts for others instead."""

SOURCE = "data/raw/heart_disease.csv"
WORDS = {  # where config.py says nothing itself
    "goal": "Find the patients with narrowed coronary arteries, so that only they are examined with a catheter.",
    "limits": "Data of 1981 to 1987, of patients who had been sent to a hospital. To learn from, not to treat anybody.",
}
ELSEWHERE: dict[str, tuple[object, object]] = {  # by setting: what config.py says of the bundled data, and else
    "ignore": (("hospital",), ()),
    "metric": ("roc_auc", "accuracy"),
    "criteria": (
        {"log_loss": "majority", "sensitivity": 0.8, "worst:sex:roc_auc": 0.65},
        {"log_loss": "majority"},
    ),
    "positive": ("present", ""),
    "costs": ({"missed": 5, "false alarm": 1}, {}),
    "slices": (("sex", "hospital"), ()),
}
