"""Times translating: texts into pieces, and decoding with and without a cache of keys and values.

    PROJECT/.venv/bin/python tests/benchmarks/decoding.py --project PROJECT

Prints texts and pieces per second. PROJECT is a translation; the network has random weights and the size that it has
for large data, and every translation has `--length` pieces. Without a cache, each step runs the decoder anew on all
pieces so far; the encoder runs once in both.
"""

import argparse
import importlib
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import tensorflow as tf

NUM_CODES = 8_000
DIMENSIONS = {"width": 256, "heads": 4, "blocks": 3, "dropout": 0.1}


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, required=True, help="folder of a generated project")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--length", type=int, default=40)
    parser.add_argument("--beams", type=int, nargs="*", default=[1, 4])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    package = next((options.project / "src").glob("*/pairs")).parent
    sys.path.insert(0, str(package.parent))
    names = ("transformer", "search", "tokenizing", "subwords")
    project = SimpleNamespace(**{name: importlib.import_module(f"{package.name}.pairs.{name}") for name in names})
    time_splitting(project, options.project, options.rounds)
    transformer = make_transformer(project)
    source = tf.constant(np.random.default_rng(0).integers(3, NUM_CODES, (options.batch, options.length)), "int32")
    print("| beams | with cache, pieces/s | without, pieces/s | ratio |\n|---|---|---|---|")
    for beams in options.beams:
        search = tf.function(project.search.BeamSearch(transformer, beams, 1.0, options.length).call)
        anew = tf.function(lambda codes, beams=beams: without_cache(project, transformer, codes, beams, options.length))
        assert set(search(source)["pieces"].numpy()) == {options.length}
        fast, slow = (seconds(lambda run=run: run(source), options.rounds) for run in (search, anew))
        num_pieces = options.batch * options.length
        print(f"| {beams} | {num_pieces / fast:,.0f} | {num_pieces / slow:,.0f} | {slow / fast:.1f} |", flush=True)


def time_splitting(project: SimpleNamespace, folder: Path, rounds: int) -> None:
    """Learns pieces from the project's sample and splits its texts."""
    (sample,) = (folder / "data" / "raw").glob("*.tsv")
    texts = [line.split("\t")[0] for line in sample.read_text(encoding="utf-8").splitlines()[1:]]
    started = time.perf_counter()
    pieces = project.subwords.learn(texts, NUM_CODES)
    print(f"learning {len(pieces):,} pieces from {len(texts):,} texts: {time.perf_counter() - started:.1f} s")
    encode = project.tokenizing.Encode(pieces, 200)
    rows = np.array(texts, object)
    taken = seconds(lambda: project.tokenizing.encode_all(encode, rows), rounds)
    print(f"splitting: {len(texts) / taken:,.0f} texts/s\n")


def make_transformer(project: SimpleNamespace) -> keras.layers.Layer:
    """A network that never ends a translation: the end has no direction of its own."""
    transformer = project.transformer.Transformer((NUM_CODES, NUM_CODES), **DIMENSIONS)
    codes = np.ones((1, 2), "int32")
    transformer({"source": codes, "target": codes})
    vectors = transformer.embeddings[1].embeddings
    weights = vectors.numpy()
    weights[project.tokenizing.END] = 0
    vectors.assign(weights)
    return transformer


def without_cache(
    project: SimpleNamespace, transformer: keras.layers.Layer, source: tf.Tensor, beams: int, length: int
) -> tf.Tensor:
    """So many steps, in each of which the decoder runs on all pieces so far of all beams and takes the likeliest."""
    mask = project.transformer.mask_of(source)
    encoded = transformer.encode(source, mask)
    encoded, mask = (tf.repeat(each, beams, axis=0) for each in (encoded, mask))

    def extend(codes: tf.Tensor) -> tuple[tf.Tensor]:
        hidden = transformer.decode(codes, encoded, mask)[:, -1:]
        likeliest = tf.argmax(transformer.logits(hidden), axis=-1, output_type=codes.dtype)
        return (tf.concat([codes, likeliest], axis=1),)

    first = tf.fill([tf.shape(encoded)[0], 1], project.tokenizing.START)
    shape = (tf.TensorShape([None, None]),)
    return tf.while_loop(lambda codes: tf.shape(codes)[1] <= length, extend, (first,), shape_invariants=shape)[0]


def seconds(run: Callable[[], object], rounds: int) -> float:
    """The median time of a call, of which the first one, in which the graph is traced, does not count."""
    times = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


if __name__ == "__main__":
    main()
