"""What is measured of a pair of texts."""

from typing import Any

from ..text import texts

NUMBERS = (*texts.NUMBERS, "target_characters", "target_words", "target_non_ascii", "length_ratio", "identical")


def measure(source: str, target: str) -> dict[str, Any]:
    """What TFDV looks at, whatever the languages; length_ratio: characters of the target per one of the source."""
    return {
        **texts.measure_side("source", source),
        **texts.measure_side("target", target),
        "length_ratio": round(len(target) / max(1, len(source)), 4),
        "identical": int(source.strip() == target.strip()),
    }
