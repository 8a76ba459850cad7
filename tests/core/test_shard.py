"""Shares of a run that several processes make apart, and the run that puts them together."""

from pathlib import Path

import pytest
from attrs import evolve

from doubles import Generator
from pairsmith import names, shard
from pairsmith.errors import UsageError
from pairsmith.shard import Shard, parse
from pairsmith.values import user
from pairsmith.view import DirectoryView
from processes import parts
from test_pipeline import go, tables


def test_shares_made_apart_are_one_run_together(tmp_path: Path) -> None:
    """Each makes its own parts and no more; a run beside them asks nobody and comes out as if one process had made all."""
    whole = parts(go(tmp_path, {**tables(tmp_path), "part_size": 2}, out=tmp_path / "alone" / "run"))
    for number in (1, 2):
        used = {**tables(tmp_path), "part_size": 2}
        apart = tmp_path / f"machine-{number}" / f"share-{number}"
        made = parts(go(tmp_path, used, out=apart, share=Shard(number, 2)))
        own = {name: data for name, data in whole.items() if "/images/" in name or int(name[-11:-6]) % 2 == number - 1}
        assert made == {name: data for name, data in own.items() if "/pairs/" not in name}
        assert used["responses"]["use"].calls == {1: 3, 2: 2}[number]
        (tmp_path / "runs").mkdir(exist_ok=True)
        apart.rename(tmp_path / "runs" / apart.name)
    used = {**tables(tmp_path), "part_size": 2}
    together = go(tmp_path, used, out=tmp_path / "runs" / "together")
    assert parts(together) == whole
    assert used["responses"]["use"].calls == 0
    assert all(state["done"] for state in DirectoryView(together).stages().values())


def test_a_share_goes_as_far_as_parts_stand_alone(tmp_path: Path) -> None:
    assert shard.until(Shard(1, 2), None) == "verdicts"
    assert shard.until(Shard(1, 2), "responses") == "responses"
    later = names.UNTIL[names.UNTIL.index("verdicts") + 1 :]
    for stage in later:
        with pytest.raises(
            UsageError, match=f"--shard 1/2 makes parts up to the verdicts; '{stage}' needs all of them"
        ):
            shard.until(Shard(1, 2), stage)
    assert parse("2/4") == Shard(2, 4)
    for wrong in ("3/2", "0/2", "two", "1/2/3", "-1/2"):
        with pytest.raises(UsageError, match="must be a share such as 2/4"):
            parse(wrong)


class OwnWords(Generator):
    """Answers each time to words of its own."""

    def respond(self, samples, *, seed: int, greedy: bool = False):
        made = super().respond(samples, seed=seed, greedy=greedy)
        return [[evolve(one, prompt=user(one.id)) for one in answers] for answers in made]


def test_pairs_of_two_prompts_are_counted(tmp_path: Path) -> None:
    """DecompGen's: a person should know how many of the pairs compare answers to different questions."""
    run = go(tmp_path, tables(tmp_path, responses={"use": OwnWords()}))
    assert DirectoryView(run).stages()["pairs"]["counts"] == {"selected": 10, "kept": 10, "of two prompts": 10}
