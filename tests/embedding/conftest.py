"""A tiny model and images for it, made once."""

import io

import pytest
import torch
from tiny_clip import save_images, save_model


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    """What the tiny model is loaded by."""
    return save_model(tmp_path_factory.mktemp("models") / "tiny"), ""


@pytest.fixture(scope="session")
def manifest(tmp_path_factory):
    return save_images(tmp_path_factory.mktemp("images"), 10)


@pytest.fixture(scope="module", params=["with bfloat16", "without bfloat16"])
def processor(request):
    """This machine, as one whose processor has instructions for bfloat16, and as one whose has not."""
    there = request.param == "with bfloat16"
    names = ("avx512_bf16", "amx_bf16", "bf16", "arm_bf16")
    listing = f"flags\t\t: fpu {' '.join(names) if there else ''}\n"

    def opened(path, *arguments, **options):
        return io.StringIO(listing) if str(path) == "/proc/cpuinfo" else original(path, *arguments, **options)

    original = io.open
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cpu, "get_capabilities", lambda: dict.fromkeys(names, there), raising=False)
        patch.setattr(io, "open", opened)  # what pathlib opens files by
        yield request.param
