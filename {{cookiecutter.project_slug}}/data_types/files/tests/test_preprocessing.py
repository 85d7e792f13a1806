"""Files become the same tensors from memory and from disk, in training and in service."""

from pathlib import Path

import keras
import numpy as np
import pytest

from project import preprocessing
from project.core.errors import InputError
from project.data import loading, tables
from project.evaluation import inference
from project.media import encoding, media
from project.media.augmentation import blend
from project.training import fit

from declared import Config


def batches(config: Config, complete: keras.Model, epoch: int | None = None, split: str = "train") -> list:
    counter = fit.epoch_counter() if epoch is not None else None
    if counter is not None:
        counter.assign(epoch)
    target = inference.target_of(complete)
    dataset = preprocessing.make_dataset(config, split, complete.get_layer("preprocessor"), target, counter)
    return [(inputs[media.COLUMN].numpy(), targets.numpy()) for inputs, targets in dataset]


@pytest.mark.parametrize("epoch", [None, 0, 3])
def test_batches_are_the_same_from_memory_and_from_files(
    finished: Config, complete: keras.Model, epoch: int | None
) -> None:
    cached = batches(finished, complete, epoch)
    streamed = batches(finished.model_copy(update={"cache_bytes": 0}), complete, epoch)
    assert len(cached) == len(streamed)
    for (inputs, targets), (others, other_targets) in zip(cached, streamed, strict=True):
        np.testing.assert_array_equal(inputs, others)
        np.testing.assert_array_equal(targets, other_targets)


def test_every_epoch_has_an_order_of_its_own_and_every_example_once(finished: Config, complete: keras.Model) -> None:
    first, second, again = (batches(finished, complete, epoch) for epoch in (0, 1, 0))
    num_examples = tables.num_examples(finished, "train")
    everything = [np.concatenate([inputs for inputs, _ in epoch]) for epoch in (first, second, again)]
    assert [len(each) for each in everything] == [num_examples] * 3
    assert not (everything[0] == everything[1]).all()
    np.testing.assert_array_equal(everything[0], everything[2])
    assert sorted(each.tobytes() for each in everything[0]) == sorted(each.tobytes() for each in everything[1])


def test_mixtures_lie_between_two_examples_and_are_drawn_by_seed_and_epoch(
    finished: Config, complete: keras.Model
) -> None:
    config = finished.model_copy(update={"mixup": 0.4})
    plain, once, twice = (batches(one, complete, 2) for one in (finished, config, config))
    for (inputs, _), (mixed, targets), (again, _) in zip(plain, once, twice, strict=True):
        np.testing.assert_array_equal(mixed, again)
        assert mixed.dtype == inputs.dtype
        assert (mixed >= inputs.min(axis=0)).all()
        assert (mixed <= inputs.max(axis=0)).all()
        assert set(targets.ravel()) <= set(batches(finished, complete)[0][1].ravel()) | set(targets.ravel())
    assert any((inputs != mixed).any() for (inputs, _), (mixed, _) in zip(plain, once, strict=True))


def test_a_share_of_one_changes_nothing() -> None:
    values, others = np.arange(8, dtype="uint8").reshape(2, 4), np.zeros((2, 4), "uint8")
    np.testing.assert_array_equal(blend(values, others, np.ones(2, "float32")), values)
    np.testing.assert_array_equal(blend(values, others, np.array([0.5, 0], "float32"))[1], [0] * 4)


def test_a_file_that_is_gone_is_named(finished: Config, complete: keras.Model) -> None:
    table = loading.read_examples(finished, "test").head(2).assign(**{media.COLUMN: "nowhere/a.bin"})
    with pytest.raises(InputError, match=r"nowhere/a.bin cannot be read .*make collect"):
        preprocessing.raw_arrays(complete.input, table)


def test_a_file_that_only_tensorflow_cannot_decode_is_named(
    finished: Config, complete: keras.Model, tmp_path: Path
) -> None:
    (tmp_path / "odd").write_bytes(b"neither")
    table = loading.read_examples(finished, "test").head(3).copy()
    table.loc[table.index[1], media.COLUMN] = str(tmp_path / "odd")
    with pytest.raises(InputError, match=r"TensorFlow cannot decode .*odd; take it out of the source"):
        preprocessing.encode(complete.get_layer("preprocessor"), table)


def test_features_of_the_baselines_are_numbers_without_gaps(finished: Config) -> None:
    train, test = (loading.read_examples(finished, split) for split in ("train", "test"))
    simple = preprocessing.simple_features(finished, train, test)
    assert [len(table) for table in simple] == [len(train), len(test)]
    assert list(simple[0]) == list(simple[1])
    assert len(simple[0].columns) > len(media.NUMBERS)
    assert np.isfinite(simple[0].to_numpy("float64")).all()


def test_the_size_is_decided_by_the_training_examples(finished: Config) -> None:
    table = loading.read_examples(finished, "train")
    layer = encoding.encoder(finished, table)
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
