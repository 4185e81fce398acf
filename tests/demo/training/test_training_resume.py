"""A training that was stopped goes on where it was, and ends as if it had not been stopped."""

import numpy as np
import pytest
import torch
from ferdemo.training import optimising


class Network(torch.nn.Module):
    """Filters in the order channels last, a matrix, vectors, a buffer that moves, and two names for one weight."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.filters, self.norm = torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4)
        self.matrix = torch.nn.Linear(4 * 36, 6, bias=False)
        self.tied = self.matrix
        self.to(memory_format=torch.channels_last)

    def forward(self, images):
        return self.tied(self.norm(self.filters(images)).flatten(1))


def fitted(model, checkpoint, *, stop_at=None, seed=0, identity="this one"):
    images = torch.randn(10, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    taken = []

    def loss(rows, generator):
        taken.append(rows.tolist())
        if len(taken) == stop_at:
            raise KeyboardInterrupt
        noise = torch.from_numpy(generator.normal(size=(len(rows), 3, 8, 8)).astype(np.float32))
        return model(images[torch.from_numpy(rows)] + noise).square().mean()

    arguments = {"n_images": 10, "steps": 9, "batch_size": 4, "learning_rate": 1e-2, "description": "", "seed": seed}
    losses = optimising.minimise(loss, model, progress=False, checkpoint=checkpoint, identity=identity, **arguments)
    return losses, taken


def assert_alike(one, other):
    for name, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


@pytest.fixture
def stopped(tmp_path, monkeypatch):
    """A checkpoint of a training that was stopped in its eighth step."""
    monkeypatch.setattr(optimising, "EVERY", 3)
    with pytest.raises(KeyboardInterrupt):
        fitted(Network(), tmp_path / "checkpoint", stop_at=8)
    assert (tmp_path / "checkpoint").is_file()
    return tmp_path / "checkpoint"


def test_it_ends_as_if_it_had_not_been_stopped(stopped, tmp_path):
    whole, again = Network(), Network()
    losses, taken = fitted(whole, None)
    resumed, taken_again = fitted(again, stopped)
    assert_alike(again, whole)
    np.testing.assert_array_equal(resumed, losses)
    assert taken_again == taken[6:], "the first six steps were not taken again"
    assert not stopped.exists()


def test_the_checkpoint_of_another_training_is_left_alone(stopped):
    fresh, other = Network(), Network()
    fitted(fresh, None, seed=1)
    fitted(other, stopped, seed=1, identity="another")
    assert_alike(other, fresh)
