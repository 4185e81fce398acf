"""The tiny demo models and the stand-in LMFM server. Imported by no other part of ferlib."""
