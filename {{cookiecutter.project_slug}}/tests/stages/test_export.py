"""make export: only an accepted model, whole, and predicting exactly as in training."""

import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from project import preprocessing
from project.core import artifacts
from project.core.errors import RefusedError
from project.data import loading
from project.exporting import saved_model, verify_export
from project.settings.base import DESCRIPTION, PROJECT
from project.stages import export

from declared import Config

IN_A_NEW_PROCESS = verify_export.start  # in whose place the tests of all else have one in this process


def edit_verdict(config: Config, **changes: object) -> None:
    verdict = artifacts.read_json(config.paths.verdict, "accept")
    artifacts.write_json(config.paths.verdict, verdict | changes)


def test_training_and_served_path_predict_exactly_the_same(finished: Config, complete: keras.Model) -> None:
    arrays = preprocessing.raw_arrays(complete.input, loading.read_examples(finished, "test").head(50))
    served = tf.saved_model.load(str(finished.paths.version(1)))
    expected = complete.predict_on_batch(arrays)
    for signature, arguments in (
        (saved_model.NAMED, saved_model.named(complete, arrays)),
        (saved_model.SERIALIZED, saved_model.serialized(arrays)),
    ):
        outputs = served.signatures[signature](**{name: tf.constant(array) for name, array in arguments.items()})
        assert outputs.keys() == expected.keys()
        for name, values in expected.items():
            np.testing.assert_array_equal(outputs[name].numpy(), values)


def test_an_export_holds_its_weights_once(finished: Config, complete: keras.Model) -> None:
    saved = tf.train.load_checkpoint(str(finished.paths.version(1) / "variables" / "variables"))
    sizes = [np.prod(shape) for name, shape in saved.get_variable_to_shape_map().items() if "VARIABLE" in name]
    assert 0 < sum(sizes) <= complete.count_params(), "weights that no prediction needs may be missing"


def test_the_description_says_what_a_client_may_send(finished: Config) -> None:
    described = artifacts.read_json(finished.paths.version(1) / DESCRIPTION, "export")
    served = tf.saved_model.load(str(finished.paths.version(1))).signatures[saved_model.NAMED]
    assert described["inputs"].keys() == described["example"].keys() == served.structured_input_signature[1].keys()
    assert described["model"] == artifacts.content_hash(finished.paths.model)
    assert described["metrics"] == artifacts.read_json(finished.paths.verdict, "accept")["metrics"]


@pytest.mark.parametrize(
    ("criterion", "limit"), [("milliseconds", 1e-6), ("megabytes", 1e-6), ("memory_megabytes", 100)]
)
def test_an_export_that_is_too_slow_or_too_large_is_refused(finished: Config, criterion: str, limit: float) -> None:
    measured = artifacts.read_json(finished.paths.version(1) / DESCRIPTION, "export")["measured"]
    assert measured[criterion] > 1e-3
    export.check_measured(finished.model_copy(update={"criteria": {criterion: 1e6}}), measured)
    with pytest.raises(RefusedError, match=f"the criteria, so nothing was exported: .* {criterion}, at most {limit}$"):
        export.main(finished.model_copy(update={"criteria": {criterion: limit}}))


def test_the_warm_up_request_is_one_that_the_model_answers(finished: Config) -> None:
    from tensorflow_serving.apis import prediction_log_pb2

    folder = finished.paths.version(1)
    (record,) = tf.data.TFRecordDataset(str(folder / saved_model.WARMUP))
    request = prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
    assert request.model_spec.name == PROJECT
    tensors = {name: tf.constant(tf.make_ndarray(tensor)) for name, tensor in request.inputs.items()}
    tf.saved_model.load(str(folder)).signatures[saved_model.NAMED](**tensors)


def test_the_same_model_is_not_exported_twice(trained: Config) -> None:
    export.main(trained)
    assert trained.paths.versions() == [1]


@pytest.mark.parametrize("changes", [{"accepted": False}, {"model": "another"}, {"data": "another"}])
def test_without_a_positive_verdict_about_this_model_nothing_is_exported(trained: Config, changes: dict) -> None:
    edit_verdict(trained, **changes)
    with pytest.raises(RefusedError):
        export.main(trained)
    assert trained.paths.versions() == [1]


def test_a_model_that_was_replaced_since_its_exam_is_not_exported(trained: Config) -> None:
    trained.paths.model.write_bytes(trained.paths.model.read_bytes() + b"\0")
    with pytest.raises(RefusedError, match="another model"):
        export.main(trained)
    assert trained.paths.versions() == [1]


def test_without_a_verdict_nothing_is_exported(trained: Config) -> None:
    artifacts.remove(trained.paths.verdict)
    with pytest.raises(RefusedError, match="make accept"):
        export.main(trained)


@pytest.mark.parametrize(
    ("actual", "expected", "difference"),
    [
        ([0.5, 2.0], [0.5, 2.0], 0),
        ([0.5, 2.5], [0.5, 2.0], 0.25),  # of the largest
        ([0.5, np.nan], [0.5, 2.0], np.inf),
        ([0.5, np.nan], [0.5, np.nan], np.inf),
        ([0.5, np.inf], [0.5, np.inf], np.inf),
        ([[0.5, 2.0]], [0.5, 2.0], np.inf),
        ([1, 2], [1.0, 2.0], np.inf),
        ([2**53 + 1], [2**53], np.inf),
        (np.array([b"cat"], object), np.array([b"cat"], object), 0),
        (np.array([b"cat"], object), np.array([b"dog"], object), np.inf),
    ],
)
def test_outputs_are_compared_strictly(actual: Any, expected: Any, difference: float) -> None:
    assert verify_export.difference(np.array(actual), np.array(expected)) == difference


def test_only_a_gpu_is_granted_a_tolerance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: [])
    assert export.tolerance() == 0
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda _: ["/physical_device:GPU:0"])
    assert export.tolerance() == 1e-3


def test_an_export_that_predicts_something_else_is_refused(trained: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    described = trained.paths.version(1) / DESCRIPTION
    artifacts.write_json(described, artifacts.read_json(described, "export") | {"model": "another"})
    right, exported = export.training_path, trained.paths.version(1)

    def slightly_wrong(*arguments: Any) -> dict[str, np.ndarray]:
        return {
            name: values + np.float32(1e-6) if values.dtype == np.float32 else values
            for name, values in right(*arguments).items()
        }

    def write_again(_: Any, folder: Path) -> None:
        shutil.copytree(exported, folder, dirs_exist_ok=True)

    monkeypatch.setattr(verify_export, "start", IN_A_NEW_PROCESS)
    monkeypatch.setattr(export, "training_path", slightly_wrong)
    monkeypatch.setattr(saved_model, "write", write_again)
    with pytest.raises(RefusedError, match="differ"):
        export.main(trained)
    assert trained.paths.versions() == [1]
    assert not list(trained.paths.export.glob(".*"))
