"""The linear probe and the zero-shot captions: solver, splits, learning curves, leakage, wordings."""
