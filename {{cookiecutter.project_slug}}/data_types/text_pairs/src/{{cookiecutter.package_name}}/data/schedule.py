"""How long and in which pieces training goes through the examples, where the settings leave it open."""

EXAMPLES_SEEN = 100_000  # in all epochs together
FEWEST_EPOCHS, MOST_EPOCHS = 5, 60
SMALLEST_BATCH, LARGEST_BATCH = 32, 128
STEPS = 60  # of an epoch, about: more are noisier and slower, fewer learn less
WARM_UP_STEPS = 400  # in which the learning rate rises to what the settings say
GAINS_BY_BFLOAT16 = True  # of GPUs that have it: large products do
