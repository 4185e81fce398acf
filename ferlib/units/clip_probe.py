"""CLIP's linear probe as one network from image to emotion, so that it can be asked where it looks."""

import copy

import torch


class ProbedCLIP(torch.nn.Module):
    """CLIP's image tower, its embedding brought to unit length, and a linear classifier on it.

    Parameters
    ----------
    clip : torch.nn.Module
        open_clip's model.
    coefficients : array_like, shape (classes, d)
    intercepts : array_like, shape (classes,)
    """

    def __init__(self, clip, coefficients, intercepts):
        super().__init__()
        self.clip = clip
        self.register_buffer("coefficients", torch.as_tensor(coefficients, dtype=torch.float32))
        self.register_buffer("intercepts", torch.as_tensor(intercepts, dtype=torch.float32))

    def forward(self, images):
        """Logits of the classes; images (n, 3, height, width) as open_clip's preprocessing leaves them."""
        vectors = torch.nn.functional.normalize(self.clip.encode_image(images).float(), dim=-1)
        return vectors @ self.coefficients.T + self.intercepts

    def untrained(self, *, seed):
        """The same with random weights in the image tower, as its modules draw them; the classifier stays."""
        other = copy.deepcopy(self.clip)
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(seed)
            for module in other.visual.modules():
                if hasattr(module, "reset_parameters"):
                    module.reset_parameters()
        return ProbedCLIP(other, self.coefficients, self.intercepts).eval()
