"""Images arrive in order, whole, and ahead of their use, but never more than a few batches ahead."""

import threading

import pytest
import torch
from tiny_clip import save_images

from ferlib.embedding import pixels
from ferlib.errors import InputError


def average(image):
    """A preprocessing that keeps apart what it was given."""
    return torch.tensor([[[image.resize((1, 1)).getpixel((0, 0))[0] / 255]]])


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return save_images(tmp_path_factory.mktemp("images"), 13)


def grouped(images, size):
    pairs = list(zip(images["path"], images["sha256"], strict=True))
    return [pairs[begin : begin + size] for begin in range(0, len(pairs), size)]


@pytest.mark.parametrize("readers", [1, 4])
def test_batches_come_in_the_order_given_whoever_reads_them(images, readers):
    found = list(pixels.batches(grouped(images, 4), average, readers=readers))
    assert [len(batch) for batch in found] == [4, 4, 4, 1]
    alone = torch.stack([pixels.read(path, preprocess=average) for path in images["path"]])
    assert torch.equal(torch.cat(found), alone)


def test_reads_ahead_of_the_use_but_only_so_far(images):
    asked = []

    def groups():
        for group in grouped(images, 1):
            asked.append(group)
            yield group

    ready = pixels.batches(groups(), average)
    next(ready)
    assert len(asked) == 1 + pixels.AHEAD
    next(ready)
    assert len(asked) == 2 + pixels.AHEAD


def test_threads_end_with_the_last_batch_and_with_an_early_end(images):
    list(pixels.batches(grouped(images, 4), average))
    ready = pixels.batches(grouped(images, 4), average)
    next(ready)
    ready.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("pixels")]


@pytest.mark.parametrize(
    "harm, words",
    [
        ("missing", ["cannot be read", "No such file"]),
        ("changed", ["not the one that the manifest lists", "SHA-256"]),
        ("cut", ["cannot be decoded", "truncated"]),
        ("no image", ["cannot be decoded", "cannot identify"]),
    ],
)
def test_an_image_that_cannot_be_used_is_named_with_the_remedy(tmp_path, harm, words):
    images = save_images(tmp_path, 3)
    path = tmp_path / "1.png"
    data = path.read_bytes()
    if harm == "missing":
        path.unlink()
    else:
        path.write_bytes({"changed": (tmp_path / "0.png").read_bytes(), "cut": data[:700], "no image": b"x"}[harm])
    digests = images["sha256"] if harm == "changed" else [None] * 3
    with pytest.raises(InputError) as caught:
        list(pixels.batches([list(zip(images["path"], digests, strict=True))], average))
    assert all(word in str(caught.value) for word in ["1.png", "01_data_prep", *words]), str(caught.value)
