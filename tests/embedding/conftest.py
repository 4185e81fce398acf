"""A tiny model and images for it, made once."""

import pytest
from tiny_clip import save_images, save_model


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    """What the tiny model is loaded by."""
    return save_model(tmp_path_factory.mktemp("models") / "tiny"), ""


@pytest.fixture(scope="session")
def manifest(tmp_path_factory):
    return save_images(tmp_path_factory.mktemp("images"), 10)
