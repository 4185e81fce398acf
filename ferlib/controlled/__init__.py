"""Contrasts of images that differ in one factor: what becomes of an answer when only that changes."""
