"""The linear probe's solver, its splits and its learning curves."""
