"""Asking large multimodal foundation models (LMFM) what they see."""
