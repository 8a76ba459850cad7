"""The template's tokens as targets (DecompGen's Qwen): the log-probabilities that a plain pass gives them."""

from pathlib import Path

import tiny_models
import torch
from attrs import evolve

from pairsmith.interfaces import Job
from pairsmith.testing import make_run
from pairsmith.testing.pictures import noise
from pairsmith.values import Cell, Item, Pair, Response, Sample, user
from pairsmith_compat.family import WithTemplate
from pairsmith_compat.options import TemplateOptions
from pairsmith_hf.options import ModelOptions
from pairsmith_hf.qwen_vl import Qwen25VLFamily
from pairsmith_losses.dpo import Dpo
from pairsmith_losses.options import DpoOptions
from pairsmith_train.options import TreeOptions
from pairsmith_train.trainer import TreeTrainer


def test_what_is_learnt_of_a_prompt_is_what_a_plain_pass_says(tmp_path: Path) -> None:
    tiny_models.family("qwen2-5-vl")(tmp_path / "tiny")
    run = make_run(tmp_path / "run")
    plain = Qwen25VLFamily(ModelOptions(path=str(tmp_path / "tiny")), run)
    learning = WithTemplate(TemplateOptions(family={"use": "x"}), evolve(run, component=lambda *_: lambda _: plain))
    image = evolve(noise(tmp_path / "a.png", 60, 40, 0), id="a")
    sample = Sample(id="s", images=(image,), prompt=user("What is it?"))
    sides = [
        Response(id=f"s/{k}", sample_id="s", text=text, prompt=user(asked))
        for k, (text, asked) in enumerate((("a cat", "What?"), ("two dogs", "Tell me.")))
    ]
    item = Item(value=Pair(id="p", sample=sample, chosen=sides[0], rejected=sides[1]))
    job = Job(
        run=run, family=learning, weights=plain.weights, loss=Dpo(DpoOptions(), run), items=[item], reference=None,
        output=tmp_path / "out", metrics=tmp_path / "metrics", seed=0,
    )  # fmt: skip
    (known,) = TreeTrainer(TreeOptions(device="cpu", batch_size=1), run).reference(job, [item])
    codec, model = plain.codec(plain.weights), plain.load(plain.weights, device="cpu", dtype="float32")
    words = codec.processor.tokenizer
    start, end = words.convert_tokens_to_ids(["<|im_start|>", "<|im_end|>"])
    for cell in (Cell("chosen"), Cell("rejected")):
        answer = item.value.response(cell.response)
        batch = dict(codec.requests([(item.turns(cell), (image,))]))
        asked = batch["input_ids"][0].tolist()
        said = list(codec.response(item.turns(cell), answer.text))
        whole = torch.tensor([asked + said])
        kinds = torch.cat([batch["mm_token_type_ids"], torch.zeros(1, len(said), dtype=torch.long)], dim=1)
        more = {"input_ids": whole, "attention_mask": torch.ones_like(whole), "mm_token_type_ids": kinds}
        with torch.inference_mode():
            logits = model(**{**batch, **more}).logits[0].log_softmax(-1)
        breaks = words.convert_tokens_to_ids(words.tokenize("\n"))
        places = [
            place
            for place in range(1, len(asked))
            if asked[place] in (start, end) or (asked[place - 1] == end and [asked[place]] == breaks)
        ]
        assert len(places) == 6, "end, break, start; end, break, start"
        learnt = [*places, *range(len(asked), len(asked) + len(said))]
        expected = [float(logits[place - 1, whole[0, place]]) for place in learnt]
        torch.testing.assert_close(torch.tensor(known[str(cell)]), torch.tensor(expected), atol=1e-4, rtol=1e-4)
