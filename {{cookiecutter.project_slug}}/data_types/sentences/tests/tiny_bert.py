"""A tiny BERT with random weights, in a folder as Hugging Face lays it out."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from project.transfer.sentence_vectors import CONFIG, TOKENIZER, WEIGHTS

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "gold", "##en", "rust", "##y", "r", "lamp", "creme", "strasse"]
PIECES += ["中", "文", ",", ".", "'", "[", "]", "$", "don", "t", "и", "##и", "a", "##a", "🕰"]
WIDTH, HEADS, LAYERS, INNER = 8, 2, 2, 16
LINEAR = {
    "attention.self.query": (WIDTH, WIDTH),
    "attention.self.key": (WIDTH, WIDTH),
    "attention.self.value": (WIDTH, WIDTH),
    "attention.output.dense": (WIDTH, WIDTH),
    "intermediate.dense": (INNER, WIDTH),
    "output.dense": (WIDTH, INNER),
}


def tensors() -> dict[str, np.ndarray]:
    """Random weights, by the names that Hugging Face gives them."""
    random = np.random.default_rng(0)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(PIECES), WIDTH),
        "embeddings.position_embeddings.weight": (32, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in (f"encoder.layer.{number}." for number in range(LAYERS)):
        shapes |= {f"{layer}{name}.weight": shape for name, shape in LINEAR.items()}
        shapes |= {f"{layer}{name}.bias": shape[:1] for name, shape in LINEAR.items()}
        norms += [f"{layer}attention.output.LayerNorm", f"{layer}output.LayerNorm"]
    shapes |= {f"{name}.{part}": (WIDTH,) for name in norms for part in ("weight", "bias")}
    return {name: random.normal(size=shape).astype("float32") for name, shape in shapes.items()}


def write(path: Path) -> Path:
    """Makes the folder of such a network."""
    path.mkdir()
    described = {
        "model_type": "bert",
        "hidden_size": WIDTH,
        "layer_norm_eps": 1e-12,
        "vocab_size": len(PIECES),
        "max_position_embeddings": 32,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": INNER,
    }
    known = {piece: code for code, piece in enumerate(PIECES)}
    tokenizer = {"model": {"type": "WordPiece", "vocab": known}, "normalizer": {"lowercase": True}}
    header, content = dict[str, Any](), b""
    for name, array in tensors().items():
        offsets = [len(content), len(content) + array.nbytes]
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": offsets}
        content += array.tobytes()
    head = json.dumps(header).encode()
    (path / CONFIG).write_text(json.dumps(described))
    (path / TOKENIZER).write_text(json.dumps(tokenizer))
    (path / WEIGHTS).write_bytes(len(head).to_bytes(8, "little") + head + content)
    return path
