"""Training on a pretrained network: a head on features that are computed once, and fine-tuning."""

import functools
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ..config import Config
from ..core.errors import InputError
from ..data import batching
from ..settings.training import COMPARED
from .depth import Tuned, set_trainable, slow_down
from .linear_head import LinearFit, linear_layer
from .search_space import FINE_TUNED, FROZEN, SCRATCH
from .stored_features import Features

RATES = {SCRATCH: 1.0, FROZEN: 1.0, FINE_TUNED: 0.05}  # of the learning rate: a tuned backbone must not forget
POOLED, HEAD = "pooled", "head"  # the layer whose outputs are the features of an example, and what follows it
HEAD_EPOCHS, HEAD_RATE = 30, 0.01  # before fine-tuning, in which the weights of the backbone do not change
STRONGEST, WEAKEST, PENALTIES = 10.0, 1e-5, 12  # of a linear head, by feature and example; and how many are tried
ALL_RIGHT = "accuracy"  # a metric that is 1 if all classes are right
OVERCONFIDENCE = 1.75  # the expected temperature of a network that was fine-tuned on a few hundred images
FINE_EPOCHS, FINE_STEPS = 10, 300  # of fine-tuning, unless `epochs` is set: whichever is more
TIMED, TIMED_ROWS = 3, 32  # batches by which the time for all is estimated, and of how many examples at most
VALIDATED = 1 / 3  # of the time of a training step, for a batch that is only scored


def network_choice(hp: Any, config: Config, load: Callable[[str, str], Any] | None, weights: str) -> str:
    """SCRATCH, FROZEN or FINE_TUNED: what is compared by `make train` unless `make tune` has found the best.

    `load` gives the network of a name and of `weights`; None: with `auto`, the examples are learned from scratch.
    """
    is_automatic = config.backbone == "auto"
    if config.backbone == "none" or (is_automatic and not (load and is_available(load, weights))):
        return SCRATCH
    return str(hp.Choice(COMPARED, [FROZEN, SCRATCH, FINE_TUNED] if is_automatic else [FROZEN, FINE_TUNED]))


@functools.cache
def is_available(load: Callable[[str, str], Any], weights: str) -> bool:
    """Whether there is a network for `auto`; if not, says why, once."""
    try:
        load("auto", weights)
    except InputError as error:
        print(f"training from scratch only: {error}")
        return False
    return True


class FineTuned(keras.Model):
    """A network on a backbone: `fit` trains its head on features, and then all of it by its own optimizer.

    Of the features (batch, features) that its layer POOLED gives, the head makes the outputs. If it sees other inputs,
    too, it is a model of its own: the layer HEAD, whose input for the features is called POOLED.
    """

    head_kind: type[keras.Model] = keras.Model
    """The class that fits and validates the head on features."""
    fewest_epochs: float = 0
    """Fine-tuning is refused if there is time for fewer."""

    def configure(
        self,
        config: Config,
        source: str,
        folder: Path,
        origin: dict[str, str],
        tuned: Tuned,
        schedule: Callable[[int], Any],
    ) -> None:
        """Takes the input that the backbone sees, the folder for features, and where the backbone comes from.

        `tuned` says what of the backbone is changed. `schedule` makes the optimizer for a number of steps.
        """
        self.source, self.origin, self.schedule = source, origin, schedule
        self.tuned_share, self.first_rate = tuned
        self.seed, self.has_epochs = config.seed, bool(config.epochs)
        self.is_mixed = bool(getattr(config, "mixup", 0))
        self.minutes = math.inf if "TF_CONFIG" in os.environ else config.backbone_minutes  # workers take the same steps
        self.features_folder = str(folder / "features")
        set_trainable(self.get_layer("backbone"), self.tuned_share)
        self.stop_training = False

    @property
    def expected_temperature(self) -> float:
        """What its logits have to be divided by, before the validation split is seen.

        A network that was fine-tuned knows its training examples by heart, and is too sure of others (Guo et al. 2017).
        """
        return OVERCONFIDENCE if self.tuned_share else 1.0

    def fit(self, x: Any, **options: Any) -> keras.callbacks.History:
        """As `keras.Model.fit`, within the time that is allowed; one that goes on after a kill is in its last phase.

        Raises:
            InputError: there is no time, or not enough memory.
        """
        if self.minutes <= 0:
            raise InputError("pretrained networks before it took all backbone_minutes")
        try:
            return self.fit_in_phases(x, batching.TimeLimit(self.minutes), **options)
        except tf.errors.ResourceExhaustedError as error:
            message = f"batches of {largest(x)} examples on a pretrained network do not fit into memory"
            raise InputError(f"{message}; set a smaller batch_size") from error

    def fit_in_phases(
        self, x: Any, limit: batching.TimeLimit, *, initial_epoch: int = 0, epochs: int = 1, **options: Any
    ) -> keras.callbacks.History:
        """Fits the head and, if the backbone is tuned, then all."""
        callbacks = [*options.pop("callbacks"), limit]
        if not self.tuned_share:
            return self.fit_head(x, callbacks, initial_epoch=initial_epoch, epochs=epochs, **options)
        backbone, own = self.get_layer("backbone"), self.optimizer
        validation = options.get("validation_data")
        if initial_epoch == 0:
            if self.fewest_epochs and not self.has_epochs:
                self.possible_epochs(x, callbacks, limit, 0, validation)  # refused before the head takes time
            with self.distribute_strategy.scope():
                head_only = keras.optimizers.Adam(HEAD_RATE)
            set_trainable(backbone, 0)
            self.recompile(head_only)
            head_epochs = 1 if validation is None and self.is_linear() else HEAD_EPOCHS  # or the last penalty counts
            of_head = {"validation_data": validation, "epochs": head_epochs, "verbose": 0, "shuffle": False}
            self.fit_head(x, preparing(callbacks), **of_head)
        set_trainable(backbone, self.tuned_share)
        if self.has_epochs:
            self.recompile(own)
        else:
            epochs = min(epochs, max(FINE_EPOCHS, FINE_STEPS // int(x.cardinality())))
            epochs = self.plan(x, callbacks, limit, initial_epoch, epochs, validation)
        return super().fit(x, initial_epoch=initial_epoch, epochs=epochs, callbacks=callbacks, **options)

    def plan(
        self,
        x: tf.data.Dataset,
        callbacks: list[Any],
        limit: batching.TimeLimit,
        initial_epoch: int,
        epochs: int,
        validation: tf.data.Dataset | None,
    ) -> int:
        """Takes an optimizer whose rate falls in the steps that there is time for; returns in how many epochs."""
        of_epoch = int(x.cardinality())
        self.reschedule(epochs * of_epoch)
        possible = self.possible_epochs(x, callbacks, limit, initial_epoch, validation)
        if possible >= epochs:
            return epochs
        print(f"backbone_minutes leaves time for {possible:.1f} of {epochs} epochs of fine-tuning")
        self.reschedule(max(1, round(possible * of_epoch)))
        return max(initial_epoch + 1, math.ceil(possible))

    def possible_epochs(
        self,
        x: tf.data.Dataset,
        callbacks: list[Any],
        limit: batching.TimeLimit,
        initial_epoch: int,
        validation: tf.data.Dataset | None,
    ) -> float:
        """How many epochs of fine-tuning there is time for, those before `initial_epoch` included.

        Raises:
            InputError: they are too few.
        """
        of_epoch = int(x.cardinality())
        if math.isinf(limit.end) or of_epoch <= TIMED:
            return math.inf
        validated = VALIDATED * int(validation.cardinality()) if validation is not None else 0
        seconds = self.seconds_per_step(x, callbacks) * (of_epoch + validated)
        possible = initial_epoch + max(0.0, limit.end - time.monotonic()) / seconds
        if possible < self.fewest_epochs:
            message = f"backbone_minutes leaves time for {possible:.1f} epochs of fine-tuning"
            raise InputError(f"{message}, and it needs {self.fewest_epochs}")
        return possible

    def reschedule(self, num_steps: int) -> None:
        """Changes to a new optimizer for so many steps."""
        with self.distribute_strategy.scope():
            optimizer = self.schedule(num_steps)
        self.recompile(optimizer)

    def seconds_per_step(self, x: tf.data.Dataset, callbacks: list[Any]) -> float:
        """How long a training step takes, by a few of them on some of the examples, which are undone."""
        self.optimizer.build(self.trainable_variables)
        changed, ends = [*self.variables, *self.optimizer.variables], list[float]()
        before = [variable.numpy() for variable in changed]
        clock = keras.callbacks.LambdaCallback(on_train_batch_end=lambda *_, **__: ends.append(time.monotonic()))
        some = x.take(1 + TIMED).map(lambda *batch: tf.nest.map_structure(lambda values: values[:TIMED_ROWS], batch))
        super().fit(some, callbacks=[*preparing(callbacks), clock], verbose=0, shuffle=False)
        for variable, value in zip(changed, before, strict=True):
            variable.assign(value)
        return (ends[-1] - ends[0]) / (len(ends) - 1) * max(1.0, largest(x) / TIMED_ROWS)

    def fit_head(
        self, x: Any, callbacks: list[Any], *, validation_data: Any = None, **options: Any
    ) -> keras.callbacks.History:
        """Trains what follows the features, which are computed once; callbacks see the whole model."""
        if self.distribute_strategy.num_replicas_in_sync > 1 or self.is_mixed:  # then images differ between epochs
            return super().fit(x, callbacks=callbacks, validation_data=validation_data, **options)
        head = self.compiled_head()
        epoch = tf.Variable(0, trainable=False, dtype="int32")
        inputs, targets, weights = self.features(x)
        if validation_data is not None:
            validation_data = self.seen(batching.in_order(*self.features(validation_data)))
        if self.is_linear():
            train = self.seen(batching.in_order(inputs, targets, weights))
            return self.fit_linear(head, train, validation_data, callbacks, **options)
        train = self.seen(batching.shuffled(inputs, targets, largest(x), self.seed, epoch, weights))
        around = keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda number, _logs: epoch.assign(number),
            on_epoch_end=lambda _number, _logs: setattr(head, "stop_training", self.stop_training),
        )
        every = keras.callbacks.CallbackList([*callbacks, around], add_history=True, model=self)
        head.history = None  # the whole model has it
        head.fit(train, validation_data=validation_data, callbacks=every, **options)
        return self.history

    def fit_linear(
        self,
        head: keras.Model,
        train: tf.data.Dataset,
        validation: tf.data.Dataset | None,
        callbacks: list[Any],
        *,
        initial_epoch: int = 0,
        epochs: int = 1,
        **_: Any,
    ) -> keras.callbacks.History:
        """Fits a head that is a linear model to all examples at once, with a weaker penalty in each epoch.

        The weights of the best penalty are kept; dropout and the optimizer take no part. Once all classes of the
        training examples are right, a weaker penalty does worse on examples that differ from those of the validation
        split, and makes the answers surer: it ends there, and that split tells how sure they should be.
        """
        penalties = np.geomspace(STRONGEST, WEAKEST, min(epochs, PENALTIES)) if epochs > 1 else [0.01]
        every = keras.callbacks.CallbackList(callbacks, add_history=True, model=self)
        linear = LinearFit(*self.ends(), self.loss, train)
        self.stop_training, best = False, (math.inf, head.get_weights())
        if initial_epoch == 0:
            linear.layer.kernel.assign(0 * linear.layer.kernel)  # there is one optimum, wherever it begins
        every.on_train_begin()
        for epoch in range(initial_epoch, len(penalties)):
            every.on_epoch_begin(epoch)
            linear.minimize(penalties[epoch], lambda step: self.goes_on(every, step))
            logs = head.evaluate(train, verbose=0, return_dict=True)
            is_done = logs.get(ALL_RIGHT, 0) >= 1
            if validation is not None:
                if is_done:
                    linear.sharpen(validation)
                scores = head.evaluate(validation, verbose=0, return_dict=True)
                logs |= {f"val_{name}": score for name, score in scores.items()}
            best = min(best, (logs.get("val_loss", -epoch), head.get_weights()), key=lambda pair: pair[0])
            every.on_epoch_end(epoch, logs)
            if self.stop_training or is_done:
                break
        every.on_train_end()
        head.set_weights(best[1])
        return self.history

    def is_linear(self) -> bool:
        """Whether `fit_linear` fits the head: on one device, to features that do not change."""
        is_plain = self.distribute_strategy.num_replicas_in_sync == 1 and self.head_kind is keras.Model
        return is_plain and not (self.is_mixed or self.optimizer.use_ema) and linear_layer(self.head()) is not None

    def goes_on(self, callbacks: keras.callbacks.CallbackList, step: int) -> bool:
        """Whether no callback ends training after a step."""
        callbacks.on_train_batch_begin(step)
        callbacks.on_train_batch_end(step)
        return not self.stop_training

    def heads(
        self, splits: Iterable[tf.data.Dataset], parts: Sequence[np.ndarray], epochs: int
    ) -> Iterator[tuple[keras.Model, tf.data.Dataset]]:
        """A head on the backbone as it is for each part of the examples, (num_examples,) bool, and what validates it.

        `splits` are those for training and for validation. The heads share their weights: one is that of its part until
        the next one is asked for. There are none, and no split is asked for, if that takes more than seconds, once the
        features are known.
        """
        if not self.is_linear():
            return
        (inputs, targets, weights), known = map(self.features, splits)
        validation = self.seen(batching.in_order(*known))
        for part in parts:
            own = {name: values[part] for name, values in inputs.items()}
            train = batching.in_order(own, targets[part], None if weights is None else weights[part])
            head = self.compiled_head()
            self.fit_linear(head, self.seen(train), validation, [], epochs=epochs)
            yield head, validation

    def compiled_head(self) -> keras.Model:
        """The head with the loss and the metrics of the model."""
        head = self.head()
        head.compile(self.optimizer, self.loss, **self.logged, jit_compile=False)
        return head

    def head(self) -> keras.Model:
        """What follows the features, as a model of its own with the same weights."""
        return self.head_kind(*self.ends())

    def ends(self) -> tuple[Any, keras.KerasTensor]:
        """The inputs and the output of what follows the features."""
        if len(self.input) == 1:
            return self.get_layer(POOLED).output, self.output
        nested = self.get_layer(HEAD)
        return nested.input, nested.output

    def seen(self, batches: tf.data.Dataset) -> tf.data.Dataset:
        """Batches of features and other inputs as the head takes them: alone, features have no name."""
        return batches if len(self.input) > 1 else batches.map(lambda inputs, *labels: (inputs[POOLED], *labels))

    def features(self, batches: tf.data.Dataset) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray | None]:
        """Features (num_examples, features) beside the other inputs, targets and weights, if there are any.

        Known features are read from disk.

        Raises:
            InputError: it would take longer than is allowed.
        """
        tensor = self.input[self.source]
        network = keras.Model(tensor, self.get_layer(POOLED).output)
        store = Features(Path(self.features_folder), self.get_layer("backbone"), tensor.shape)
        found, began, seconds = [], time.monotonic(), []
        for inputs, *labels in batches:
            others = {name: values.numpy() for name, values in inputs.items() if name != self.source}
            values = store.of(inputs[self.source].numpy(), network.predict_on_batch)
            found.append(({**others, POOLED: values}, *(each.numpy() for each in labels)))
            seconds.append(time.monotonic() - began)
            if len(seconds) > TIMED:
                whole = (seconds[-1] - seconds[0]) / (len(seconds) - 1) * int(batches.cardinality()) / 60
                if whole > self.minutes:
                    message = f"the features of all examples would take {whole:.0f} minutes"
                    raise InputError(f"{message}, more than is left of backbone_minutes ({self.minutes:.3g})")
        store.save()
        inputs, targets, *weights = tf.nest.map_structure(lambda *parts: np.concatenate(parts), *found)
        return inputs, targets, weights[0] if weights else None

    def save_weights(self, filepath: Any, **options: Any) -> None:
        """As `keras.Model.save_weights`, but without a frozen backbone: KerasTuner does it in each better epoch."""
        if self.tuned_share:
            super().save_weights(filepath, **options)
        else:
            self.head().save_weights(filepath, **options)

    def load_weights(self, filepath: Any, **options: Any) -> None:
        """Loads what `save_weights` has written."""
        if self.tuned_share:
            super().load_weights(filepath, **options)
        else:
            self.head().load_weights(filepath, **options)

    def recompile(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Changes the optimizer, and takes note of what can be trained."""
        with self.distribute_strategy.scope():
            self.compile(optimizer, self.loss, **self.logged, jit_compile=False)
        if self.first_rate < 1:
            slow_down(self.optimizer, self.trainable_variables, self.get_layer("backbone"), self.first_rate)

    def compile(self, optimizer: Any, loss: Any, **options: Any) -> None:
        """As `keras.Model.compile`; remembers what does not depend on the phase."""
        kept = ("metrics", "weighted_metrics", "steps_per_execution")
        self.logged = {name: options[name] for name in kept if name in options}
        super().compile(optimizer, loss, **options)


def warmed_up(rate: float, num_steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """A rate that rises in the first tenth of the steps (Devlin et al. 2019), and then falls along half a cosine."""
    rising = max(1, num_steps // 10)
    falling = max(1, num_steps - rising)
    return keras.optimizers.schedules.CosineDecay(0.0, falling, warmup_target=rate, warmup_steps=rising)


def largest(batches: tf.data.Dataset) -> int:
    """The size of whole batches."""
    _, targets, *_ = next(iter(batches))
    return len(targets)


def preparing(callbacks: list[keras.callbacks.Callback]) -> list[keras.callbacks.Callback]:
    """The callbacks of a training that have to be there in each of its phases."""
    return [callback for callback in callbacks if getattr(callback, "prepares", False)]
