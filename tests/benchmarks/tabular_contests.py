"""The contests on a table: what stands between a file and a model, beside what one would write instead."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from contest import Contestant, Setting

BATCH = 1_024


def collect(setting: Setting) -> dict[str, Contestant]:
    """A CSV file into three Parquet files."""
    folder = Path(tempfile.mkdtemp())
    config, stage = setting.config(artifacts=folder / "artifacts"), setting.module("stages.collect")

    def instead() -> None:
        from sklearn.model_selection import train_test_split

        table = pd.read_csv(setting.source).drop_duplicates()
        train, rest = train_test_split(table, test_size=0.3, stratify=table["target"], random_state=0)
        for name, split in zip(("validation", "test"), train_test_split(rest, test_size=0.5), strict=True):
            split.to_parquet(folder / f"{name}.parquet")
        train.to_parquet(folder / "train.parquet")

    def floor() -> None:
        import pyarrow.csv
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.csv.read_csv(setting.source), folder / "all.parquet")

    return {
        "ours": lambda: stage.main(config),
        "instead: pandas and train_test_split": instead,
        "floor: pyarrow reads and writes": floor,
    }


def validate(setting: Setting) -> dict[str, Contestant]:
    """Statistics, schema and anomalies of the three splits."""
    config, stage = setting.config(), setting.module("stages.validate")
    statistics = setting.module("validation.data_statistics")
    folder = Path(tempfile.mkdtemp())
    for split in ("train", "validation", "test"):
        pd.read_parquet(config.paths.examples(split)).to_csv(folder / f"{split}.csv", index=False)

    def instead() -> None:
        import tensorflow_data_validation as tfdv

        train = tfdv.generate_statistics_from_csv(str(folder / "train.csv"))
        schema = tfdv.infer_schema(train)
        for split in ("validation", "test"):
            tfdv.validate_statistics(tfdv.generate_statistics_from_csv(str(folder / f"{split}.csv")), schema)

    def floor() -> None:
        from validation import direct

        direct(statistics, config)

    return {
        "ours": lambda: stage.main(config),
        "instead: TFDV's generate_statistics_from_csv": instead,
        "floor: Arrow batches straight into TFDV": floor,
    }


def feature_space(table: pd.DataFrame) -> Any:
    """What Keras has for tables."""
    import keras

    kinds = {name: "float_normalized" for name in table.columns if name.startswith("number")}
    kinds |= {name: "string_categorical" for name in table.columns if name.startswith("category")}
    return keras.utils.FeatureSpace(kinds, output_mode="concat")


def plain_dataset(table: pd.DataFrame) -> Any:
    """Rows as dictionaries, as in the structured-data examples of Keras."""
    import tensorflow as tf

    columns = {name: table[name].fillna(0).to_numpy() for name in table.columns if name.startswith("number")}
    columns |= {name: table[name].to_numpy().astype(str) for name in table.columns if name.startswith("category")}
    targets = (table["target"] == "class 1").to_numpy("float32")
    return tf.data.Dataset.from_tensor_slices((columns, targets))


def adapt(setting: Setting) -> dict[str, Contestant]:
    """Learning vocabularies, means and the like from the training split."""
    config, preprocessing = setting.config(), setting.module("preprocessing")
    table = setting.module("data.loading").read_examples(config, "train")
    dataset = plain_dataset(table).batch(BATCH).map(lambda columns, _: columns)

    def scikit_learn() -> None:
        from sklearn.compose import make_column_transformer
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, QuantileTransformer

        numbers = [name for name in table.columns if name.startswith("number")]
        categories = [name for name in table.columns if name.startswith("category")]
        encoder = make_column_transformer(
            (make_pipeline(QuantileTransformer()), numbers), (OneHotEncoder(handle_unknown="ignore"), categories)
        )
        encoder.fit(table)

    return {
        "ours": lambda: preprocessing.build_preprocessor(config, table),
        "instead: FeatureSpace.adapt": lambda: feature_space(table).adapt(dataset),
        "instead: scikit-learn's ColumnTransformer.fit": scikit_learn,
    }


def dense(inputs: Any) -> Any:
    """A network of three layers on encoded inputs."""
    import keras

    hidden = inputs if not isinstance(inputs, dict) else keras.layers.Concatenate()(list(inputs.values()))
    for units in (256, 128, 64):
        hidden = keras.layers.Dense(units, "relu")(hidden)
    network = keras.Model(inputs, keras.layers.Dense(1, "sigmoid")(hidden))
    network.compile("adam", "binary_crossentropy", steps_per_execution=16)
    return network


def prepared(setting: Setting) -> tuple[Any, Any, Any, dict[str, Any], Any]:
    """The training split as a table, the project's dataset of it, the FeatureSpace's, arrays in memory and targets."""
    config, preprocessing = setting.config(batch_size=BATCH), setting.module("preprocessing")
    table = setting.module("data.loading").read_examples(config, "train")
    target = setting.module("task").describe_target(config, table["target"])
    preprocessor = preprocessing.build_preprocessor(config, table)
    epoch = setting.module("training.fit").epoch_counter()
    ours = preprocessing.make_dataset(config, "train", preprocessor, target, epoch)
    space, plain = feature_space(table), plain_dataset(table)
    space.adapt(plain.batch(BATCH).map(lambda columns, _: columns))
    theirs = plain.shuffle(10 * BATCH).batch(BATCH).map(lambda x, y: (space(x), y), num_parallel_calls=-1).prefetch(-1)
    arrays = setting.module("data.batching").run_in_batches(
        preprocessor, preprocessing.raw_arrays(preprocessor.input, table), preprocessing.ENCODING_BATCH
    )
    return ours, theirs, space, arrays, (table["target"] == "class 1").to_numpy("float32")[:, None]


def iterate(dataset: Any) -> None:
    """Goes through a dataset once."""
    for _batch in dataset:
        pass


def input_pipeline(setting: Setting) -> dict[str, Contestant]:
    """An epoch of shuffled batches from the second one on, without a network."""
    import tensorflow as tf

    ours, theirs, _, arrays, targets = prepared(setting)
    floor = tf.data.Dataset.from_tensor_slices((arrays, targets)).batch(BATCH)
    return {
        "ours": lambda: iterate(ours),
        "instead: FeatureSpace in tf.data": lambda: iterate(theirs),
        "floor: batches of arrays, unshuffled": lambda: iterate(floor),
    }


def training(setting: Setting) -> dict[str, Contestant]:
    """An epoch of one and the same network of three layers."""
    import keras

    ours, theirs, space, arrays, targets = prepared(setting)
    ours = ours.map(lambda inputs, labels: (inputs, labels))
    inputs = {name: keras.Input(array.shape[1:], name=name) for name, array in arrays.items()}
    network = dense(inputs)
    plain = dense(space.get_encoded_features())
    return {
        "ours": lambda: network.fit(ours, epochs=1, verbose=0, shuffle=False),
        "instead: FeatureSpace in tf.data": lambda: plain.fit(theirs, epochs=1, verbose=0),
        "floor: fit on arrays in memory": lambda: network.fit(arrays, targets, batch_size=BATCH, epochs=1, verbose=0),
    }


def tuning(setting: Setting) -> dict[str, Contestant]:
    """Two random trials of one epoch each of the project's network, of one size, so that all train the same."""
    import keras_tuner

    fit, search = setting.module("training.fit"), setting.module("training.search")
    config = setting.config(batch_size=BATCH, tuner="random", max_trials=2, epochs=1)
    stage, model, preprocessing = (setting.module(name) for name in ("stages.tune", "model", "preprocessing"))
    table = setting.module("data.loading").read_examples(config, "train")
    target = setting.module("task").describe_target(config, table["target"])
    preprocessor = preprocessing.build_preprocessor(config, table)
    defaults = keras_tuner.HyperParameters()
    model.build_model(defaults, config, preprocessor, target, num_steps=100)
    build = search.build_model = of_one_size(model.build_model, defaults.values)

    def ours() -> None:
        shutil.rmtree(config.paths.tuning, ignore_errors=True)
        stage.main(config)
        shutil.rmtree(config.paths.tuning)

    def datasets() -> tuple[Any, Any]:
        train = preprocessing.make_dataset(config, "train", preprocessor, target, fit.epoch_counter())
        return train, preprocessing.make_dataset(config, "validation", preprocessor, target)

    def instead() -> None:
        train, validation = datasets()
        with tempfile.TemporaryDirectory() as folder:
            tuner = keras_tuner.RandomSearch(
                lambda hp: build(hp, config, preprocessor, target, num_steps=100),
                objective="val_loss",
                max_trials=2,
                seed=config.seed,
                directory=folder,
            )
            tuner.search(train, validation_data=validation, epochs=1, verbose=0)

    def floor() -> None:
        train, validation = datasets()
        for _ in range(2):
            network = build(keras_tuner.HyperParameters(), config, preprocessor, target, num_steps=100)
            network.fit(train, validation_data=validation, epochs=1, verbose=0, shuffle=False)

    return {"ours": ours, "instead: KerasTuner's RandomSearch": instead, "floor: two fits of the default": floor}


def of_one_size(build: Callable[..., Any], defaults: dict[str, Any]) -> Callable[..., Any]:
    """A `build_model` whose space is the learning rate alone."""

    def build_one_size(space: Any, *arguments: Any, **named: Any) -> Any:
        for name, value in defaults.items():
            if name != "learning_rate":
                space.Fixed(name, value)
        return build(space, *arguments, **named)

    return build_one_size
