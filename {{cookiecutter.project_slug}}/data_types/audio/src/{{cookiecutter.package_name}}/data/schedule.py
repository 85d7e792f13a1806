"""How long and in which pieces training goes through the examples, where the settings leave it open."""

EXAMPLES_SEEN = 40_000  # in all epochs together, after which the network learns little more
FEWEST_EPOCHS, MOST_EPOCHS = 20, 100
SMALLEST_BATCH, LARGEST_BATCH = 16, 1_024
STEPS = 150  # of an epoch, about: more are noisier and slower, fewer learn less
GAINS_BY_BFLOAT16 = True  # of GPUs that have it: large products do
