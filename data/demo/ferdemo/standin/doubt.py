"""A PaliGemma that tells, with its answer, how sure it was and what else it could have said."""

import json

import torch

from ferlib.lmfm.paligemma import PaliGemma


class Doubting(PaliGemma):
    """Asks one model; its answer is a JSON object.

    It holds `words`, the answer itself; `probability`, that of the likeliest token at the place where the model was
    least sure which one to write; and `second`, the answer with the likeliest other token at that place.
    """

    weighs = True

    def _words(self, tokens, logits):
        shares = torch.softmax(torch.stack(logits).double(), dim=-1)
        likeliest = shares.max(dim=-1).values
        place = int(likeliest.argmin())
        others = shares[place].clone()
        others[tokens[place]] = 0
        second = [*tokens[:place], int(others.argmax()), *tokens[place + 1 :]]
        said, sure = super()._words, round(float(likeliest[place]), 6)
        return json.dumps({"words": said(tokens, logits), "probability": sure, "second": said(second, logits)})
