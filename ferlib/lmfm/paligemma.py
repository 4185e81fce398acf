"""PaliGemma 1 and 2 on this machine, by `transformers`: free generation, and the log-probability of each label.

Questions that come at the same time are answered together, in batches of equal length, so that no padding is needed and
the company in which a question is answered cannot change its answer.
"""

import collections
import contextlib
import json
import queue
import threading
from concurrent.futures import Future
from pathlib import Path

import torch
import transformers

from ferlib import images
from ferlib.errors import InputError
from ferlib.lmfm.meanings import Answer, NoAnswer, Outcome
from ferlib.paths import absolute
from ferlib.provenance import sha256_of

MOST_TOKENS = 256
"""Longest answer where the settings leave it out."""

LARGEST_BATCH = 16
GATHER_S = 0.02
"""How long a question waits for company."""

_Asked = collections.namedtuple("_Asked", "image text settings answer")


class PaliGemma:
    """Asks one model; see `ferlib.lmfm.models.client`.

    `model` is a folder (relative to the repository, or absolute) or a name on the Hugging Face Hub, `version` a
    revision of the latter. Weights of the hub are fetched once, and need an account that has accepted Google's licence.
    """

    library = f"transformers {transformers.__version__}, torch {torch.__version__}"
    kind = "PaliGemma model"
    weighs = False
    """Whether what makes words of tokens is given their logits, too: a number for each word of the vocabulary."""
    processor, network = transformers.PaliGemmaProcessor, transformers.PaliGemmaForConditionalGeneration

    def __init__(self, model, *, timeout_s):
        folder = absolute(model["model"])
        source = str(folder) if folder.is_dir() else model["model"]
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        how = {} if folder.is_dir() or not model["version"] else {"revision": model["version"]}
        transformers.utils.logging.disable_progress_bar()
        kind = torch.bfloat16 if self.device == "cuda" else torch.float32
        try:
            self._processor = self.processor.from_pretrained(source, **how)
            self._model = self.network.from_pretrained(source, dtype=kind, **how)
        except (OSError, ValueError) as error:
            first = str(error).strip().splitlines()[0]
            raise InputError(
                f"model {model['name']!r}: {model['model']!r} is no folder with a {self.kind}, and cannot be loaded "
                f"from the Hugging Face Hub ({first}). Give a folder, or accept the model's licence on the hub and log "
                f"in there (`hf auth login`)."
            ) from None
        self._model.to(self.device).eval()
        self._version = self._version_of(folder)
        self._questions = queue.SimpleQueue()
        self._worker = threading.Thread(target=self._work, daemon=True)
        self._worker.start()

    def ask(self, image, media_type, text, settings):
        """One question about one image; parameters as for `ferlib.lmfm.clients.Client.ask`.

        With the setting `scored` (a list of labels) the answer's text is a JSON object: for each label the sum of the
        log-probabilities of its tokens and of the end that follows them, as an answer to the prompt.
        """
        try:
            pixels = images.open_rgb(image)
        except images.UnreadableImage as error:
            raise self._failed(f"the image {error.reason}") from None
        asked = _Asked(pixels, text, settings, Future())
        self._questions.put(asked)
        return asked.answer.result()

    def close(self):
        """End the worker and let go of the model."""
        self._questions.put(None)
        self._worker.join()
        del self._model

    def _work(self):
        while (first := self._questions.get()) is not None:
            batch = [first]
            with contextlib.suppress(queue.Empty):
                while len(batch) < LARGEST_BATCH and (asked := self._questions.get(timeout=GATHER_S)):
                    batch.append(asked)
                if len(batch) < LARGEST_BATCH:
                    self._questions.put(None)  # seen too early
            groups = collections.defaultdict(list)  # same settings, same number of tokens, no chance involved
            for asked in batch:
                alone = id(asked) if asked.settings.get("temperature", 0) > 0 else None
                groups[json.dumps(asked.settings, sort_keys=True), self._length(asked), alone].append(asked)
            for alike in groups.values():
                self._answer(alike)

    def _answer(self, alike):
        try:
            how = self._score if "scored" in alike[0].settings else self._generate
            with torch.inference_mode():
                given = how(alike)
        except torch.OutOfMemoryError as error:
            given = [self._failed(f"out of memory: {error}", retry=True)] * len(alike)
        except (RuntimeError, ValueError, TypeError) as error:
            given = [self._failed(f"{type(error).__name__}: {error}")] * len(alike)
        for asked, answer in zip(alike, given, strict=True):
            if isinstance(answer, Exception):
                asked.answer.set_exception(answer)
            else:
                asked.answer.set_result(answer)

    def _length(self, asked):
        """What questions must have in common to be answered together."""
        return len(self._processor.tokenizer(asked.text)["input_ids"])

    def _inputs(self, alike, suffix=None):
        more = {} if suffix is None else {"suffix": [suffix] * len(alike)}
        texts = ["<image>" + asked.text for asked in alike]
        images = [asked.image for asked in alike]
        return self._processor(images=images, text=texts, return_tensors="pt", **more).to(self.device)

    def _generate(self, alike):
        settings, inputs = alike[0].settings, self._inputs(alike)
        read, most = inputs["input_ids"].shape[1], settings.get("max_tokens", MOST_TOKENS)
        options = {"max_new_tokens": most, "do_sample": settings.get("temperature", 0) > 0}
        if options["do_sample"]:
            torch.manual_seed(settings["seed"])
            options["temperature"] = settings["temperature"]
        inputs.pop("labels", None)
        made = self._model.generate(**inputs, **options, return_dict_in_generate=True, output_logits=self.weighs)
        end, given = self._model.generation_config.eos_token_id, []
        ends = {*(end if isinstance(end, list) else [end]), self._processor.tokenizer.eos_token_id}
        for number, row in enumerate(made.sequences[:, read:].tolist()):
            places = [place for place, token in enumerate(row) if token in ends]
            ended, written = bool(places), min(places, default=len(row) - 1) + 1
            words = self._words(row[:written], [step[number] for step in made.logits or ()][:written])
            kind, finish = ("answered", "stop") if ended or written < most else ("truncated", "length")
            usage = {"input_tokens": read, "output_tokens": written}
            given.append(Answer(kind, words, finish, self._version, usage))
        return given

    def _failed(self, message, *, retry=False):
        return NoAnswer(message, Outcome("error", "no", retry, "no" if retry else "alike", "local"))

    def _words(self, tokens, _logits):
        return self._processor.decode(tokens, skip_special_tokens=True).strip()

    def _score(self, alike):
        scores = [{} for _ in alike]
        for label in alike[0].settings["scored"]:
            inputs = self._inputs(alike, suffix=label)
            labels = inputs["labels"]
            # `labels` and token types together make the prefix see all of itself and the label only what precedes it.
            logits = self._model(**inputs).logits[:, :-1].float()
            chosen = labels[:, 1:]
            log = torch.log_softmax(logits, dim=-1).gather(-1, chosen.clamp(min=0)[..., None])[..., 0]
            for score, value in zip(scores, (log * (chosen >= 0)).sum(1).tolist(), strict=True):
                score[label] = round(value, 4)
        usage = {"input_tokens": int((labels[0] < 0).sum()), "output_tokens": 0}
        return [Answer("answered", json.dumps(score), "scored", self._version, usage) for score in scores]

    def _version_of(self, folder):
        name = Path(self._model.config.name_or_path).name
        if folder.is_dir():
            return f"{name}@{sha256_of(sorted(folder.glob('*.safetensors')))[:12]}"
        return f"{name}@{getattr(self._model.config, '_commit_hash', None)}"


class Chat(PaliGemma):
    """Asks an open vision-language model through the chat template that comes with it.

    Any model that `transformers.AutoModelForImageTextToText` knows, for example Qwen3-VL, SmolVLM, Gemma 3 or LLaVA.
    """

    kind = "vision-language model"
    processor, network = transformers.AutoProcessor, transformers.AutoModelForImageTextToText

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
