"""Figures by what they are: matrices, forests, curves; and their descriptions in words."""
