"""What happened: one ordered, hash-chained log, and the streams that are fed from it."""
