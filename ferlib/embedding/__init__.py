"""Embeddings of many images: each computed once, kept, and found again."""
