"""What one would write instead of a project, after the structured-data example of Keras: one file, no gates."""

SCRIPT = """
import os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from sklearn.metrics import classification_report
from sklearn.model_selection import train_test_split

table = pd.read_csv(sys.argv[1])
target = "disease"
table = table.dropna(subset=[target])
classes = sorted(table[target].unique())
numbers = [name for name in table.columns if name != target and pd.api.types.is_numeric_dtype(table[name])]
categories = [name for name in table.columns if name not in (target, *numbers)]
table[numbers] = table[numbers].fillna(table[numbers].median())
table[categories] = table[categories].fillna("")
train, rest = train_test_split(table, test_size=0.3, stratify=table[target], random_state=0)
validation, test = train_test_split(rest, test_size=0.5, random_state=0)

def dataset(rows):
    columns = {name: rows[name].to_numpy("float32") for name in numbers}
    columns |= {name: rows[name].to_numpy(str) for name in categories}
    return tf.data.Dataset.from_tensor_slices((columns, [classes.index(name) for name in rows[target]]))

kinds = {name: "float_normalized" for name in numbers} | {name: "string_categorical" for name in categories}
space = keras.utils.FeatureSpace(kinds, output_mode="concat")
space.adapt(dataset(train).batch(32).map(lambda x, y: x))
batches = {name: dataset(rows).shuffle(1000).batch(32).map(lambda x, y: (space(x), y)).prefetch(tf.data.AUTOTUNE)
           for name, rows in (("train", train), ("validation", validation))}
encoded = space.get_encoded_features()
hidden = keras.layers.Dense(64, activation="relu")(encoded)
hidden = keras.layers.Dropout(0.3)(hidden)
network = keras.Model(encoded, keras.layers.Dense(len(classes), activation="softmax")(hidden))
network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
stop = keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)
network.fit(batches["train"], validation_data=batches["validation"], epochs=30, callbacks=[stop], verbose=0)
inputs = space.get_inputs()
whole = keras.Model(inputs, network(encoded))
predicted = whole.predict(dataset(test).batch(256).map(lambda x, y: x), verbose=0).argmax(axis=1)
print(classification_report([classes.index(name) for name in test[target]], predicted))
whole.export("plain_export")
"""
