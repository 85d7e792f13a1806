"""How long and in which pieces training goes through the windows, where the settings leave it open."""

EXAMPLES_SEEN = 300_000  # in all epochs together, after which the network learns little more
FEWEST_EPOCHS, MOST_EPOCHS = 5, 60
SMALLEST_BATCH, LARGEST_BATCH = 32, 128
STEPS = 60  # of an epoch, about: more are noisier and slower, fewer learn less
GAINS_BY_BFLOAT16 = False  # of GPUs that have it: forecasts need more digits than it has
