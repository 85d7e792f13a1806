"""Images and recordings: what a file is, how it is decoded and how it enters the network."""
