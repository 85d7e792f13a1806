"""A deep-learning project: every stage of its life cycle is a module here and a target of the Makefile."""

import gc
import logging
import os
import warnings

from .core import quiet

# Before TensorFlow is imported: only errors on the screen, and the backend that the project is written for.
logging.getLogger("tensorflow").setLevel(logging.ERROR)
# What is said about Python 3.11 going out of use:
warnings.filterwarnings("ignore", category=FutureWarning, module="google.api_core")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # scikit-learn's idle threads then sleep instead of spinning

gc.set_threshold(100_000, 50, 50)  # importing TensorFlow makes many objects that stay: looking at them takes a second
quiet.begin()
