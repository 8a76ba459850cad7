"""The answers to a few prompts, packed into one batch of trees, and each in a pass of its own through the whole model."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from attrs import frozen

from pairsmith.interfaces import TreeBatch
from pairsmith.values import Image, Turn


@frozen
class Asked:
    """A prompt, and the answers that hang side by side on it."""

    turns: tuple[Turn, ...]
    images: tuple[Image, ...]
    answers: tuple[str, ...]


def in_a_tree(family: Any, model: Any, codec: Any, rows: Sequence[Asked], *, causal: bool = False) -> list[Any]:
    """Return the log-probabilities of every answer's tokens, from one batch with a tree for each row.

    With ``causal``, the control, an answer also sees the answers that stand before it.
    """
    torch = pytest.importorskip("torch")

    images = list(dict.fromkeys(image for row in rows for image in row.images))
    pixels = {image: codec.pixels(image) for image in images}
    prompts = [codec.prompt(row.turns, row.images) for row in rows]
    starts = _starts(rows, prompts, images)
    trees = [
        _tree(codec, row, prompt, pixels, starts, causal=causal) for row, prompt in zip(rows, prompts, strict=True)
    ]
    longest = max(len(tree["tokens"]) for tree in trees)
    last = torch.arange(longest).repeat(len(trees), 1)
    for row, tree in enumerate(trees):
        last[row, : len(tree["tokens"])] = tree["last"]
    batch = TreeBatch(
        tokens=_padded([tree["tokens"] for tree in trees], codec.pad_token),
        positions=torch.stack([_padded(list(axis), 0) for axis in zip(*(t["positions"] for t in trees), strict=True)]),
        last=last,
        features=_padded([tree["features"] for tree in trees], -1),
        images={name: torch.cat([pixels[image][name] for image in images]) for name in pixels[images[0]]}
        if images
        else {},
    )
    logits = family.head(model)(family.hidden_states(model, batch)).float().log_softmax(-1)
    return [
        logits[row, at].gather(-1, torch.tensor(answer)[:, None])[:, 0]
        for row, tree in enumerate(trees)
        for at, answer in tree["answers"]
    ]


def apart(model: Any, codec: Any, rows: Sequence[Asked]) -> list[Any]:
    """Return the same from one pass for each answer, made by the model itself from what ``generate`` is given."""
    torch = pytest.importorskip("torch")

    found = []
    for row in rows:
        for text in row.answers:
            answer = codec.response(row.turns, text)
            batch = dict(codec.requests([(row.turns, row.images)]))
            shape = batch["input_ids"].shape
            more = {"input_ids": torch.tensor([answer]), "attention_mask": torch.ones(1, len(answer), dtype=torch.long)}
            for name, value in batch.items():
                if value.shape == shape:
                    added = more.get(name, torch.zeros(1, len(answer), dtype=value.dtype))
                    batch[name] = torch.cat([value, added], dim=1)
            logits = model(**batch, use_cache=False).logits[0, shape[1] - 1 : -1].float().log_softmax(-1)
            found.append(logits.gather(-1, torch.tensor(answer)[:, None])[:, 0])
    return found


def _starts(rows: Sequence[Asked], prompts: Sequence[Any], images: Sequence[Image]) -> Mapping[Image, int]:
    """Return where each image's features begin among those of the batch."""
    sizes = dict.fromkeys(images, 0)
    for row, prompt in zip(rows, prompts, strict=True):
        for owner, slot in zip(prompt.image_of, prompt.slots, strict=True):
            if owner >= 0:
                sizes[row.images[owner]] = max(sizes[row.images[owner]], slot + 1)
    starts, total = {}, 0
    for image, size in sizes.items():
        starts[image], total = total, total + size
    return starts


def _tree(
    codec: Any, row: Asked, prompt: Any, pixels: Mapping[Image, Any], starts: Mapping[Image, int], *, causal: bool
) -> dict[str, Any]:
    torch = pytest.importorskip("torch")

    start, tokens, owners = len(prompt.tokens), list(prompt.tokens), [0] * len(prompt.tokens)
    shown = [pixels[image] for image in row.images]
    positions, answers, ends = [codec.positions(prompt, 0, shown)], [], []
    for number, text in enumerate(row.answers, 1):
        answer = codec.response(row.turns, text)
        positions.append(codec.positions(prompt, len(answer), shown)[:, start:])
        answers.append(([start - 1, *range(len(tokens), len(tokens) + len(answer) - 1)], answer))
        tokens += answer
        owners += [number] * len(answer)
        ends.append(len(tokens) - 1)
    last = torch.tensor([len(tokens) - 1 if causal or owner == 0 else ends[owner - 1] for owner in owners])
    features = [
        starts[row.images[image]] + slot if image >= 0 else -1
        for image, slot in zip(prompt.image_of, prompt.slots, strict=True)
    ]
    features += [-1] * (len(tokens) - start)
    return {
        "tokens": torch.tensor(tokens),
        "positions": torch.cat(positions, -1),
        "last": last,
        "features": torch.tensor(features),
        "answers": answers,
    }


def _padded(rows: Sequence[Any], fill: int) -> Any:
    torch = pytest.importorskip("torch")

    return torch.nn.utils.rnn.pad_sequence(list(rows), batch_first=True, padding_value=fill)
