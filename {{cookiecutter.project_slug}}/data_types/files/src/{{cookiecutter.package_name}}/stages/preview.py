"""make preview: shows training examples with their random augmentation, before hours are spent on training."""

import keras
import numpy as np

from .. import model, preprocessing
from ..config import Config
from ..data import loading, tables
from ..evaluation import explain
from ..media import gallery, media
from ..media.file_sources import NAME
from ..reporting import report
from ..reporting.report import Banner, Page, Section
from ..settings.base import without_password

NUM_EXAMPLES, NUM_VIEWS = 16, 4


def main(config: Config) -> None:
    """From the training table to artifacts/preview/report.html."""
    keras.utils.set_random_seed(config.seed)
    train = loading.read_examples(config, "train")
    preprocessor = preprocessing.build_preprocessor(config, train)
    shown = train.sample(min(NUM_EXAMPLES, len(train)), random_state=config.seed)
    encoded = preprocessing.encode(preprocessor, shown)
    network = model.augmented(config, preprocessor)
    views = [keras.ops.convert_to_numpy(network(encoded, training=number > 0)) for number in range(NUM_VIEWS)]
    exhibits = [
        gallery.Exhibit(
            [gallery.picture(explain.drawing(view[place])) for view in views],
            [f"{config.target}: {tables.truth(config, shown, place)}", str(shown[NAME].iloc[place])],
        )
        for place in range(len(shown))
    ]
    path = config.paths.root / "preview" / "report.html"
    report.write_page(path, page(config, np.shape(views[0])[1:], gallery.figure("Training examples", exhibits)))
    print(f"wrote {path}")


def page(config: Config, shape: tuple[int, ...], figure: report.Figure) -> Page:
    """The page: augmented training examples, to be checked by eye."""
    chosen = ", ".join(config.augmentation) or "none"
    question = "Check that every example can still be recognized and that its label is still right"
    detail = f"Each {media.NOUN} as it is, then {NUM_VIEWS - 1} times augmented as in training. Augmentation: {chosen}."
    facts = {"Source": without_password(config.source), "Shape": " x ".join(map(str, shape))}
    return Page("Preprocessing preview", Banner("neutral", question, detail), [Section("Examples", [figure])], facts)
