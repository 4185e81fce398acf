"""Statistics of an audit. Knows tables only, never images or models."""
