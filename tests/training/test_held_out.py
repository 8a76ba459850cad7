"""Pairs kept out of training by image, and the weights that did best on them."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs import answers, loaded, make_family, make_items, make_job, totals, train
from pairsmith.errors import StageError
from pairsmith.interfaces import Job
from pairsmith.values import Image, Item, Pair, Response, Sample, user
from pairsmith_losses.dpo import Dpo
from pairsmith_losses.options import DpoOptions
from pairsmith_train.held_out import Best, split
from pairsmith_train.options import HeldOutOptions, LoraOptions

ADAPTER = LoraOptions(r=2)


def item(number: int, images: list[int]) -> Item:
    shown = tuple(Image(path=Path(f"{image}.png"), id=f"image {image}") for image in images)
    sample = Sample(id=f"s{number}", images=shown, prompt=user("?"))
    chosen, rejected = (Response(id=f"s{number}/{k}", sample_id=sample.id, text=str(k)) for k in range(2))
    return Item(value=Pair(id=f"p{number}", sample=sample, chosen=chosen, rejected=rejected))


@given(
    st.lists(st.lists(st.integers(0, 30), max_size=3, unique=True), min_size=20, max_size=60),
    st.floats(0.05, 0.5),
    st.integers(0, 3),
)
@settings(max_examples=60, deadline=None)
def test_no_image_is_on_both_sides_whatever_the_pairs(shown: list[list[int]], share: float, seed: int) -> None:
    items = [item(number, images) for number, images in enumerate(shown)]
    places = range(len(items))
    with suppress(StageError):  # where all hang together, as the test below has it
        check_split(items, places, share, seed)


def check_split(items: list[Item], places: range, share: float, seed: int) -> None:
    found = split(items, places, share, seed)
    assert sorted((*found.train, *found.held_out)) == list(places)
    sides = [
        {image.id for place in side for image in items[place].value.sample.images}
        for side in (found.train, found.held_out)
    ]
    assert not sides[0] & sides[1]
    assert 0 < len(found.held_out) <= max(1, round(share * len(items)))
    assert split(items, places, share, seed) == found


def test_the_seed_chooses_and_the_order_of_the_pairs_does_not() -> None:
    items = [item(number, [number % 50]) for number in range(200)]
    chosen = [{items[place].id for place in split(items, range(200), 0.1, seed).held_out} for seed in range(3)]
    assert [len(ids) for ids in chosen] == [20, 20, 20]
    assert chosen[0] != chosen[1] != chosen[2]
    backwards = items[::-1]
    assert {backwards[place].id for place in split(backwards, range(200), 0.1, 0).held_out} == chosen[0]


def test_pairs_that_all_hang_together_are_refused() -> None:
    items = [item(number, [number, number + 1]) for number in range(20)]
    with pytest.raises(StageError, match=r"share = 0.1: .* the smallest group has 20 of 20; set a larger share"):
        split(items, range(20), 0.1, 0)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    items = make_items(tmp_path / "images", pairs=12, images=6)
    return make_job(tmp_path / "stage", make_family(tmp_path / "run"), items)


def rows(job: Job) -> list[dict[str, float]]:
    return [json.loads(line) for line in job.metrics.read_text().splitlines()]


@pytest.mark.parametrize("packed", [{}, {"pack_tokens": 100}], ids=["padded", "packed"])
def test_held_out_pairs_are_watched_and_never_trained_on(
    job: Job, capsys: pytest.CaptureFixture[str], packed: dict[str, int]
) -> None:
    seen: list[int] = []

    class Spy(Dpo):
        def __call__(self, policy, reference):
            if torch.is_grad_enabled():
                seen.append(len(policy[self.cells[0]].tokens))
            return super().__call__(policy, reference)

    made = train(
        evolve(job, loss=Spy(DpoOptions(), job.run)),
        lora=ADAPTER,
        epochs=5.0,
        held_out=HeldOutOptions(share=0.34, every=2, from_step=3),
        **packed,
    )
    assert "4 of 12 items are held out, with all their images" in capsys.readouterr().out
    found = rows(job)
    assert [row["step"] for row in found] == list(range(1, 11))
    watched = [row["step"] for row in found if "held_out/loss" in row]
    assert watched == [3, 5, 7, 9, 10], "every second from the third on, and the last"
    assert {"held_out/rewards/margin", "held_out/rewards/accuracy"} <= found[-1].keys()
    held = [job.items[k] for k in split(job.items, range(12), 0.34, job.seed).held_out]
    base, after = (totals(job.family, loaded(job.family, one), held) for one in (job.family.weights, made))
    margin = 0.1 * ((after - base)[0] - (after - base)[1])
    assert found[-1]["held_out/loss"] == pytest.approx(-torch.nn.functional.logsigmoid(margin).mean().item(), abs=1e-5)
    assert found[-1]["held_out/rewards/margin"] == pytest.approx(margin.mean().item(), abs=1e-4)
    asked = 16 if packed else 0  # whether the loss can be packed: before the reference, and before the training
    assert sum(seen) == 10 * 4 + asked, "what is held out takes no part in a step"


class Nearly(Dpo):
    """Fails in the fourth step, once: the check of the first calls it twice more, and every step is evaluated."""

    left = 9

    def __call__(self, policy, reference):
        self.left -= 1
        if not self.left:
            msg = "killed"
            raise RuntimeError(msg)
        return super().__call__(policy, reference)


def test_the_best_step_is_the_result_also_after_a_kill(
    job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {
        "lora": ADAPTER,
        "epochs": 2.0,
        "learning_rate": 1.0,
        "save_steps": 2,
        "held_out": HeldOutOptions(share=0.34, every=1, best=True),
    }
    made = train(job, **options)
    losses = {row["step"]: row["held_out/loss"] for row in rows(job)}
    best = min(losses, key=lambda step: losses[step])
    assert best < 3, "the best was not found before the kill: this test could not fail"
    assert (
        f"the result is step {best}, whose held-out loss of {losses[best]:.4f} is the lowest" in capsys.readouterr().out
    )
    held = [job.items[k] for k in split(job.items, range(12), 0.34, job.seed).held_out]
    stopped = make_job(tmp_path / "stopped", job.family, job.items)
    until = train(stopped, **{**options, "held_out": HeldOutOptions(share=0.34, every=1)})
    ours, last = (answers(job.family, loaded(job.family, one), held) for one in (made, until))
    assert not torch.allclose(ours, last, atol=1e-3), "it is the last step's"
    again = make_job(tmp_path / "again", job.family, job.items, loss=Nearly(DpoOptions(), job.run))
    with pytest.raises(RuntimeError, match="killed"):
        train(again, **options)
    assert len(rows(again)) == 3
    same = train(again, **options)
    assert torch.equal(ours, answers(job.family, loaded(job.family, same), held))
    assert {row["step"]: row["held_out/loss"] for row in rows(again)} == losses
    assert not (job.output / "best.safetensors").exists()


def test_the_best_is_kept_whole(tmp_path: Path) -> None:
    best = Best(tmp_path / "out" / "best.safetensors")
    for step, loss in ((1, 0.5), (2, 0.7), (3, 0.4), (4, 0.4)):
        best.offer(step, loss, lambda step=step: {"w": torch.tensor([float(step)])})
    best.offer(5, 0.3, lambda: None)  # another process writes it
    again = Best(tmp_path / "out" / "best.safetensors")
    assert (again.step, again.loss, again.load()["w"].item()) == (3, 0.4, 3.0)
    best.offer(6, float("nan"), lambda: {"w": torch.tensor([6.0])})
    assert best.step == 5
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["best.safetensors"]


def test_too_few_to_train_on_are_refused(job: Job) -> None:
    with pytest.raises(
        StageError, match=r"8 of 12 items can be trained on, fewer than one step of train.batch_size = 12"
    ):
        train(job, lora=ADAPTER, batch_size=12, held_out=HeldOutOptions(share=0.34))
