"""Decoding: a beam search inside the graph, which remembers the keys and values of the pieces that it has chosen."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from .tokenizing import END, START
from .transformer import KeysAndValues, Transformer, mask_of

NEVER = -1e9  # a log-probability that no beam comes near
PER_SOURCE_PIECE, MORE = 3, 20  # pieces that a translation may have: so many times the source's, and so many more


class Beams(NamedTuple):
    """The translations under way, the best first."""

    step: tf.Tensor  # (): pieces so far
    codes: tf.Tensor  # (batch, beams, steps), after START
    log_probabilities: tf.Tensor  # (batch, beams), of all pieces together
    lengths: tf.Tensor  # (batch, beams), END included
    is_finished: tf.Tensor  # (batch, beams)
    cache: list[KeysAndValues]


@keras.saving.register_keras_serializable(package="text_pairs")
class BeamSearch(keras.layers.Layer):
    """From the codes of sources, (batch, source) int32, to those of their best translations.

    Gives `codes` (batch, longest) int32, END behind the end, `confidence`, the geometric mean of the probabilities of
    the pieces (batch,) float32, and `pieces`, their number (batch,) int32. With one beam, it is a greedy search. No
    translation depends on those beside it: each has a bound of its own, and padding is never looked at.
    """

    def __init__(
        self, transformer: Transformer, beams: int, length_penalty: float, max_pieces: int, **options: Any
    ) -> None:
        """The penalty is the exponent alpha of Wu et al. (2016): 0 favours short translations."""
        super().__init__(**options)
        self.transformer, self.beams, self.length_penalty = transformer, beams, length_penalty
        self.max_pieces = max_pieces

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the weights of a transformer that comes from a file."""
        if not self.transformer.built:
            codes = keras.KerasTensor(input_shape, "int32")
            self.transformer({"source": codes, "target": codes})

    def call(self, source: tf.Tensor) -> dict[str, tf.Tensor]:
        """Searches until all beams are finished."""
        mask = mask_of(source)
        memory = self.transformer.memory(self.transformer.encode(source, mask))
        num_pieces = tf.reduce_sum(tf.cast(mask, "int32"), axis=2)  # (batch, 1)
        limits = tf.minimum(PER_SOURCE_PIECE * num_pieces + MORE, self.max_pieces)
        first = self.first(tf.shape(source)[0])
        found = Beams(
            *tf.while_loop(
                lambda *beams: tf.logical_not(tf.reduce_all(Beams(*beams).is_finished)),
                lambda *beams: self.extend(Beams(*beams), memory, mask, limits),
                first,
                shape_invariants=tf.nest.map_structure(shape_in_loop, first),
            )
        )
        return self.best(found)

    def first(self, batch: tf.Tensor) -> Beams:
        """One beam with nothing in it; the others are behind it, so that they become its variants."""
        likely = tf.constant([[0.0] + [NEVER] * (self.beams - 1)])
        return Beams(
            tf.constant(0),
            tf.fill([batch, self.beams, 1], START),
            tf.tile(likely, [batch, 1]),
            tf.zeros([batch, self.beams], "int32"),
            tf.zeros([batch, self.beams], "bool"),
            self.transformer.empty_cache(batch, self.beams),
        )

    def extend(self, beams: Beams, memory: list[KeysAndValues], mask: tf.Tensor, limits: tf.Tensor) -> Beams:
        """One more piece; of all beams with their likeliest pieces, the likeliest go on."""
        logits, cache = self.transformer.step(beams.codes[:, :, -1], beams.step, memory, mask, beams.cache)
        logits = logits[..., END:]  # the codes before it are never part of a translation
        likely, codes = tf.math.top_k(logits, min(self.beams, logits.shape[-1]))  # (batch, beams, candidates)
        gained = likely - tf.reduce_logsumexp(logits, axis=-1, keepdims=True)
        num_candidates = likely.shape[-1]
        is_finished = beams.is_finished[..., None]
        gained = tf.where(is_finished, [0.0] + [NEVER] * (num_candidates - 1), gained)  # stays as likely as it is,
        codes = tf.where(is_finished, 0, codes) + END  # and as it is
        summed = tf.reshape(beams.log_probabilities[..., None] + gained, [-1, self.beams * num_candidates])
        log_probabilities, places = tf.math.top_k(summed, self.beams)
        parents = places // num_candidates
        codes = tf.gather(tf.reshape(codes, tf.shape(summed)), places, batch_dims=1)
        kept = (beams.is_finished, beams.lengths, beams.codes, cache)
        if self.beams > 1:  # a single one is its own parent
            kept = tf.nest.map_structure(lambda each: tf.gather(each, parents, batch_dims=1), kept)
        was_finished, lengths, before, cache = kept
        lengths += tf.cast(tf.logical_not(was_finished), "int32")
        is_finished = was_finished | (codes == END) | (lengths >= limits)
        longer = tf.concat([before, codes[..., None]], axis=2)
        return Beams(beams.step + 1, longer, log_probabilities, lengths, is_finished, cache)

    def best(self, beams: Beams) -> dict[str, tf.Tensor]:
        """Of the beams, the one with the best log-probability for its length."""
        lengths = tf.cast(beams.lengths, "float32")
        scores = beams.log_probabilities / ((5 + lengths) / 6) ** self.length_penalty
        chosen = tf.argmax(scores, axis=1)
        codes, log_probability, length = (
            tf.gather(each, chosen, batch_dims=1) for each in (beams.codes, beams.log_probabilities, lengths)
        )
        confidence = tf.exp(log_probability / tf.maximum(length, 1.0))
        return {"codes": codes[:, 1:], "confidence": confidence, "pieces": tf.cast(length, "int32")}

    def compute_output_spec(self, source: keras.KerasTensor) -> dict[str, keras.KerasTensor]:
        """States what comes out."""
        batch = source.shape[0]
        return {
            "codes": keras.KerasTensor((batch, None), "int32"),
            "confidence": keras.KerasTensor((batch,), "float32"),
            "pieces": keras.KerasTensor((batch,), "int32"),
        }

    def get_config(self) -> dict[str, Any]:
        """Adds the transformer and how to search."""
        return {
            **super().get_config(),
            "transformer": keras.saving.serialize_keras_object(self.transformer),
            "beams": self.beams,
            "length_penalty": self.length_penalty,
            "max_pieces": self.max_pieces,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "BeamSearch":
        """Makes the transformer first."""
        return cls(keras.saving.deserialize_keras_object(config.pop("transformer")), **config)


def shape_in_loop(tensor: tf.Tensor) -> tf.TensorShape:
    """The shape of what the loop changes: the number of steps grows, of codes, which have 3 axes, and of the cache."""
    shape = tensor.shape.as_list()
    grows = {3: 2, 5: 3}.get(len(shape))
    return tf.TensorShape([None if place == grows else size for place, size in enumerate(shape)])
