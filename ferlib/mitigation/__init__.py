"""Mitigation (notebook 08): what a remedy does, to whom, and what it costs."""
