"""How long and in which pieces training goes through the examples, where the settings leave it open."""

EXAMPLES_SEEN = 100_000  # in all epochs together, after which the network learns little more
FEWEST_EPOCHS, MOST_EPOCHS = 4, 10
SMALLEST_BATCH, LARGEST_BATCH = 32, 1_024
STEPS = 150  # of an epoch, about: more are noisier and slower, fewer learn less
GAINS_BY_BFLOAT16 = True  # of GPUs that have it: large products do
