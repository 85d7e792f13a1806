"""The network: from scratch, or grown on a backbone whose weights are kept at first."""

import functools
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import keras
import keras_tuner
import numpy as np
import pandas as pd
import pytest
from keras_tuner.engine.trial import TrialStatus

from project import metrics, model, task
from project.core import artifacts, command
from project.core.errors import InputError
from project.data import loading
from project.data.batching import TimeLimit
from project.evaluation import inference
from project.media import efficientnet_lite, pretrained
from project.reporting.report import Column
from project.settings.training import COMPARED
from project.stages import collect, evaluate, train
from project.training import fit, search, serving_model
from project.transfer import fine_tuning
from project.transfer.fine_tuning import HEAD_RATE, FineTuned
from project.transfer.stored_features import Features

from declared import Config

BUILD, OPTIMIZER = model.build_model, model.optimizer  # the project's own; others here train a network of the tests


@pytest.mark.parametrize("side", [16, 28, 64, 96])
def test_large_images_are_halved_before_they_cost_time(side: int) -> None:
    inputs = keras.Input((side, side, 1))
    maps = model.residual_network(inputs, 8, 1)
    assert maps.shape[-1] == 64
    assert 2 <= maps.shape[1] <= 6


def small_backbone(weights: str | None, include_top: bool, input_shape: tuple[int, int, int]) -> keras.Model:
    """A network like those of Keras Applications, but of one convolution: training it takes a second."""
    assert not include_top
    inputs = keras.Input(input_shape)
    hidden = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3, strides=4)(inputs))
    network = keras.Model(inputs, hidden)
    if weights:
        network.load_weights(weights)
    return network


def save_weights(application: Callable[..., keras.Model], folder: Path) -> str:
    """Weights of a backbone, made here, as a file."""
    keras.utils.set_random_seed(7)
    path = str(folder / "backbone.weights.h5")
    application(weights=None, include_top=False, input_shape=(32, 32, 3)).save_weights(path)
    return path


@pytest.fixture
def tuned(make_config: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Settings of a project with a backbone, whose examples are collected."""
    monkeypatch.setattr(keras.applications, "MobileNetV3Small", small_backbone)
    monkeypatch.setattr(efficientnet_lite, "weights_file", lambda: None)
    fine_tuning.is_available.cache_clear()
    config = make_config(
        backbone="MobileNetV3Small",
        backbone_weights=save_weights(small_backbone, tmp_path),
        image_size=32,
        epochs=1,
        augmentation=("flip",),
    )
    collect.main(config)
    return config


def choose(config: Config, name: str) -> None:
    """Has training use a network as if the search had found it."""
    winner = {"values": {COMPARED: name}, **fit.found_for(config)}
    artifacts.write_json(config.paths.best_hyperparameters, winner)


def test_a_network_of_keras_applications_comes_with_its_weights(tmp_path: Path) -> None:
    application = keras.applications.MobileNetV3Small
    path = save_weights(application, tmp_path)
    backbone, origin = pretrained.load("MobileNetV3Small", path, 96)
    original = application(weights=path, include_top=False, input_shape=(96, 96, 3))
    for loaded, kept in zip(backbone.get_weights(), original.get_weights(), strict=True):
        np.testing.assert_array_equal(loaded, kept)
    assert origin["sha256"] == artifacts.content_hash(Path(path))
    grey = keras.Input((32, 32, 1))  # small images are enlarged, grey ones get three channels
    config = Config(backbone="MobileNetV3Small", backbone_weights=path)
    maps, _ = pretrained.feature_maps(None, config, grey, fine_tuning.FROZEN)
    found = keras.Model(grey, maps)(np.full((2, 32, 32, 1), 100.0, "float32"))
    expected = original(np.full((2, 96, 96, 3), 100.0, "float32"), training=False)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def backbone_of(network: keras.Model) -> list[np.ndarray]:
    weights: list[np.ndarray] = network.get_layer("backbone").get_weights()
    return weights


def test_a_backbone_stands_still_at_first_and_is_then_tuned(tuned: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    original = small_backbone(tuned.backbone_weights, include_top=False, input_shape=(96, 96, 3))
    seen: list[Any] = []
    recompile = FineTuned.recompile

    def watch(self: Any, optimizer: keras.optimizers.Optimizer) -> None:
        recompile(self, optimizer)
        seen.append((float(self.optimizer.learning_rate), len(self.trainable_variables), backbone_of(self)))

    monkeypatch.setattr(FineTuned, "recompile", watch)
    choose(tuned, fine_tuning.FINE_TUNED)
    train.main(tuned)
    (first_rate, head_only, before), (second_rate, everything, after_head) = seen
    assert first_rate == pytest.approx(HEAD_RATE)
    assert second_rate == pytest.approx(tuned.learning_rate)
    assert (head_only, everything) == (2, 4), "of the head, and also of the convolution"
    for loaded, kept, same in zip(original.get_weights(), before, after_head, strict=True):
        np.testing.assert_array_equal(loaded, kept)
        np.testing.assert_array_equal(kept, same)
    trained = keras.models.load_model(tuned.paths.model).get_layer("network")
    changed = [not np.array_equal(one, other) for one, other in zip(before, backbone_of(trained), strict=True)]
    assert changed == [True, True, False, False, False, False], "batch normalization stays that of the weights"
    run = artifacts.read_json(tuned.paths.run, "train")
    assert run["candidates"] == [], "the search has chosen"
    assert run["pretrained"]["name"] == "MobileNetV3Small"


def test_auto_compares_what_is_there_with_a_network_from_scratch(
    tuned: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pretrained, "DOWNLOADED", "MobileNetV3Small")
    config, minutes, fit_network = tuned.model_copy(update={"backbone": "auto"}), list[float](), FineTuned.fit

    def watch(self: FineTuned, *batches: Any, **options: Any) -> keras.callbacks.History:
        minutes.append(self.minutes)
        return fit_network(self, *batches, **options)

    monkeypatch.setattr(FineTuned, "fit", watch)
    train.main(config)
    first, second = minutes
    assert second < first == config.backbone_minutes, "they share the time"
    run = artifacts.read_json(config.paths.run, "train")
    rows = run["candidates"]
    assert [row["name"] for row in rows] == [fine_tuning.FROZEN, fine_tuning.SCRATCH, fine_tuning.FINE_TUNED]
    (kept,) = (row for row in rows if row["chosen"])
    complete = keras.models.load_model(config.paths.model)
    assert run["hyperparameters"][COMPARED] == kept["name"]
    assert run["num_weights"] == kept["num_weights"] == complete.count_params()
    assert bool(run["pretrained"]) == (kept["name"] != fine_tuning.SCRATCH)
    predictions = inference.predict(complete, examples := loading.read_examples(config, "validation"))
    truths = task.actual(inference.target_of(complete), examples[config.target])
    scores = metrics.score(truths, predictions, inference.context_of(config, complete))
    minimised = ({task.MONITOR.removeprefix("val_")} & metrics.METRICS.keys()) - {config.metric}
    assert [*kept["scores"]] == [config.metric, *minimised]
    for name, score in kept["scores"].items():
        assert score["low"] <= score["value"] <= score["high"]
        assert score["value"] == pytest.approx(scores[name])
    labels = [metrics.METRICS[name].label for name in kept["scores"]]
    other = next(name for name in metrics.METRICS if name not in kept["scores"])
    for metric in (config.metric, other):
        (table,) = evaluate.compared(config.model_copy(update={"metric": metric}))
        assert [column.name for column in table.columns if isinstance(column, Column)] == labels, "by what it was kept"
        assert f"the best {labels[0]}" in table.note
        assert (f"{metrics.METRICS[other].label} by now" in table.note) == (metric == other)
    assert "which is kept" in capsys.readouterr().out
    assert not (config.paths.training / "checkpoint").exists()


def test_a_frozen_backbone_stays_as_it_was_while_its_head_learns(tuned: Config) -> None:
    choose(tuned, fine_tuning.FROZEN)
    train.main(tuned.model_copy(update={"epochs": 8}))
    losses = pd.read_csv(tuned.paths.history)["loss"]  # of the training split: the features are those of noise
    assert losses.iloc[-1] < losses.iloc[0]
    original = small_backbone(tuned.backbone_weights, include_top=False, input_shape=(96, 96, 3))
    trained = keras.models.load_model(tuned.paths.model).get_layer("network")
    for loaded, kept in zip(original.get_weights(), backbone_of(trained), strict=True):
        np.testing.assert_array_equal(loaded, kept)


@pytest.mark.parametrize("network", [fine_tuning.FROZEN, fine_tuning.FINE_TUNED])
def test_the_learning_curve_is_that_of_a_head_on_the_pretrained_network(tuned: Config, network: str) -> None:
    choose(tuned, network)
    config = tuned.model_copy(update={"epochs": 3})
    train.main(config)

    def evaluated(config: Config) -> tuple[dict[str, Any], float]:
        result = inference.evaluate_split(config, inference.load_model(config), "validation", ["linear"]).result
        return result["learning_curve"], result["metrics"][config.metric]["value"]

    curve, score = evaluated(config)
    assert curve["model"] == "a head on MobileNetV3Small"
    num_train = len(loading.read_examples(config, "train"))
    assert [point["examples"] for point in curve["points"]] == [round(share * num_train) for share in (0.25, 0.5, 1)]
    assert network == fine_tuning.FINE_TUNED or curve["points"][-1]["value"] == score
    other, _ = evaluated(config.model_copy(update={"backbone_weights": "nowhere.weights.h5"}))
    assert other.get("model") in (None, "linear"), "or none, where that learns nothing"


def test_a_file_with_another_kind_of_network_is_refused_and_its_size_of_images_kept(tmp_path: Path) -> None:
    for name, side, network in (
        ("maps", 48, keras.layers.Conv2D(2, 3)),
        ("flat", 48, keras.layers.Flatten()),
    ):
        keras.Sequential([keras.Input((side, side, 3)), network]).save(tmp_path / f"{name}.keras")
    (tmp_path / "damaged.keras").write_bytes(b"PK")
    images = keras.Input((32, 32, 1))

    def maps(name: str) -> Any:
        return pretrained.feature_maps(
            None, Config(backbone=str(tmp_path / f"{name}.keras")), images, fine_tuning.FROZEN
        )[0]

    assert maps("maps").shape == (None, 46, 46, 2)
    for name, reason in (("flat", r"to \(None, 6912\); one from \(batch"), ("damaged", "cannot be loaded")):
        with pytest.raises(InputError, match=reason):
            maps(name)


def test_of_several_trials_that_freeze_only_the_first_computes_features(
    tuned: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of, computed = Features.of, list[int]()

    def count(self: Features, examples: np.ndarray, compute: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        def compute_and_count(batch: np.ndarray) -> np.ndarray:
            computed.append(len(batch))
            return compute(batch)

        return of(self, examples, compute_and_count)

    monkeypatch.setattr(Features, "of", count)
    hypermodel = search.HyperModel(tuned)
    train, validation, _ = fit.make_batches(tuned, hypermodel.prepared)
    first, second = keras_tuner.HyperParameters(), keras_tuner.HyperParameters()
    first.values, second.values = ({COMPARED: fine_tuning.FROZEN, "learning_rate": rate} for rate in (0.01, 0.02))
    for batches in (train, validation):
        hypermodel.build(first).features(batches)
    assert computed
    computed.clear()
    options = {"callbacks": [], "verbose": 0, "shuffle": False}
    network = hypermodel.build(second)
    scores = hypermodel.fit(second, network, train, validation_data=validation, epochs=1, **options)
    assert np.isfinite(scores[task.MONITOR])
    assert not computed
    network.save_weights(path := tmp_path / "trial.weights.h5")
    assert b"backbone" not in path.read_bytes()
    again = hypermodel.build(first)
    again.load_weights(path)
    for kept, loaded in zip(network.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(kept, loaded)


def test_the_search_covers_backbones_and_how_much_of_one_is_tuned(
    tuned: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keras.applications, "MobileNetV3Large", small_backbone)
    prepared = serving_model.prepare(tuned)

    def build(setting: str, **values: Any) -> tuple[keras.Model, set[str]]:
        hp = keras_tuner.HyperParameters()
        hp.values = values
        config = tuned.model_copy(update={"backbone": setting})
        return BUILD(hp, config, prepared.preprocessor, prepared.target, 1), {each.name for each in hp.space}

    of_all = {"augmentation", "dropout", "learning_rate"}
    assert build("none")[1] == {*of_all, "width", "blocks"}
    several, found = "MobileNetV3Small,MobileNetV3Large", {COMPARED: fine_tuning.FINE_TUNED, "tuned_share": 0.5}
    network, names = build(several, **found, backbone="MobileNetV3Large")
    assert names == {*of_all, COMPARED, "backbone", "tuned_share", "first_rate"}
    assert (network.origin["name"], network.tuned_share) == ("MobileNetV3Large", 0.5)
    network, names = build(several)
    assert names == {*of_all, COMPARED, "backbone"}
    assert (network.origin["name"], network.tuned_share) == ("MobileNetV3Small", 0)
    assert Config(backbone=several).backbone == several


@pytest.mark.parametrize("mixup", [0, 0.2])
def test_no_trial_of_a_frozen_network_repeats_another(
    tuned: Config, mixup: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "build_model", BUILD)
    monkeypatch.setattr(model, "optimizer", OPTIMIZER)
    config = tuned.model_copy(update={"mixup": mixup, "tuner": "random", "max_trials": 12})
    tuner = search.make_tuner(config, search.Reporting)
    oracle, values = tuner.oracle, []
    for _ in range(config.max_trials):
        trial = oracle.create_trial("tuner")
        tuner.hypermodel.build(trial.hyperparameters)
        oracle.update_space(trial.hyperparameters)
        values.append(trial.hyperparameters.values)
        oracle.update_trial(trial.trial_id, {task.MONITOR: 1.0})
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
    frozen = [each for each in values if each[COMPARED] == fine_tuning.FROZEN]
    if mixup:
        assert len(frozen) > 1, "images differ between epochs, and the optimizer trains the head"
    else:
        assert frozen == [{COMPARED: fine_tuning.FROZEN}]
    assert all({"dropout", "learning_rate"} <= {*each} for each in values[1:] if each not in frozen or mixup)


@pytest.mark.parametrize("written", ["", "ResNet50", "auto,none", "MobileNetV3Small,", ".keras", "keras_hub:"])
def test_an_unknown_backbone_is_answered_by_those_that_are_known(written: str) -> None:
    with pytest.raises(InputError) as refused:
        command.load_settings(Config, [f"--backbone={written}"])
    expected = f"backbone: {written!r} is not allowed. It can be auto or none, or one or several, with commas, of Effic"
    assert str(refused.value).startswith(expected)


def test_training_ends_when_its_time_is_over(tuned: Config) -> None:
    choose(tuned, fine_tuning.FINE_TUNED)
    with pytest.raises(InputError, match=r"features of .* more than is left of backbone_minutes \(1e-0?7\)"):
        train.main(tuned.model_copy(update={"backbone_minutes": 1e-7, "batch_size": 32}))
    late = TimeLimit(-1)
    late.set_model(model := keras.Sequential())
    late.on_train_batch_end(0)
    assert model.stop_training


def test_without_weights_one_sentence_says_so_and_a_network_learns_from_scratch(
    tuned: Config, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def offline(*_: Any, **__: Any) -> None:
        raise OSError("URL fetch failure: no network")

    monkeypatch.setattr(keras.applications, "MobileNetV3Small", offline)
    imagenet = tuned.model_copy(update={"backbone_weights": "imagenet"})
    with pytest.raises(InputError, match=r"no network.* set backbone_weights"):
        train.main(imagenet)
    monkeypatch.setattr(pretrained, "DOWNLOADED", "MobileNetV3Small")
    train.main(imagenet.model_copy(update={"backbone": "auto"}))
    assert capsys.readouterr().out.count("from scratch only: the weights 'imagenet' of MobileNetV3Small") == 1
    assert artifacts.read_json(tuned.paths.run, "train")["candidates"] == []
    monkeypatch.undo()
    for backbone, reason in (("MobileNetV3Small", "cannot be loaded"), ("nowhere.keras", "is not there")):
        with pytest.raises(InputError, match=reason):
            pretrained.load(backbone, "nowhere.weights.h5", 96)


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where a local server serves the files of a folder; Keras keeps what it downloads in another one."""
    (cache := tmp_path / "cache").mkdir()  # Keras takes another folder if this one is not there
    keep = functools.partial(keras.utils.get_file, cache_dir=str(cache))
    monkeypatch.setattr(keras.utils, "get_file", keep)
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_weights_are_downloaded_once_and_only_if_they_are_whole(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(keras.applications, "EfficientNetV2B0", small_backbone)
    monkeypatch.setattr(efficientnet_lite, "weights_file", lambda: None)
    path = Path(save_weights(small_backbone, tmp_path))
    content, digest = path.read_bytes(), artifacts.content_hash(path)
    weights = f"{address}/{path.name}#sha256={digest}"
    path.write_bytes(content[:-100])
    fine_tuning.is_available.cache_clear()
    assert not fine_tuning.is_available(pretrained.load, weights)
    assert "from scratch only: the weights 'http" in (said := capsys.readouterr().out)
    assert "Incomplete or corrupted" in said
    path.write_bytes(content)
    _, origin = pretrained.load("auto", weights, 96)
    assert origin == {"name": "EfficientNetV2B0", "licence": "that of the file", "sha256": digest}
    path.unlink()
    pretrained.load("auto", weights, 96)
    with pytest.raises(InputError, match="404"):
        pretrained.load("auto", weights.replace(digest, "0" * 64), 96)
    with pytest.raises(InputError, match="does not end in #sha256="):
        pretrained.load("auto", f"{address}/{path.name}", 96)
