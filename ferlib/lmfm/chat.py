"""Open vision-language models on this machine, by `transformers` and the chat template that comes with each."""

import transformers

from ferlib.lmfm import paligemma


class Client(paligemma.Client):
    """Asks one model; see `ferlib.lmfm.models.client`, and `ferlib.lmfm.paligemma.Client` for the names of models.

    Any model that `transformers.AutoModelForImageTextToText` knows, for example Qwen3-VL, SmolVLM, Gemma 3 or LLaVA.
    """

    kind = "vision-language model"

    def _load(self, source, *, dtype, **how):
        self._processor = transformers.AutoProcessor.from_pretrained(source, **how)
        self._model = transformers.AutoModelForImageTextToText.from_pretrained(source, dtype=dtype, **how)

    def _length(self, asked):
        """Images may become different numbers of tokens here, so that each question is answered alone."""
        return id(asked)

    def _inputs(self, alike, suffix=None):
        (asked,) = alike
        content = [{"type": "image", "image": asked.image}, {"type": "text", "text": asked.text}]
        return self._processor.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=True, return_dict=True,
            return_tensors="pt",
        ).to(self.device)  # fmt: skip
