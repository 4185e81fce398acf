"""Readers of face datasets: a tree of files in, a manifest out."""
