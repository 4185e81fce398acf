"""Readers of face datasets: a tree of files in, a manifest out.

To make another dataset known by name: say what its file names mean in `data/conventions/<name>.yaml`, add its name to
`ferlib.datasets.known.CONVENTIONS`, and where to get it to `data/raw/README.md`.
"""
