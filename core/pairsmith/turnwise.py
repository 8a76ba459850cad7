"""Asks a conversation turn by turn: where the user speaks twice in a row, the answer to the first turn comes between."""

from collections.abc import Sequence
from itertools import pairwise

from attrs import evolve, frozen

from pairsmith.interfaces import Generator
from pairsmith.values import Failed, Response, Sample, Turn, turns

Answers = Sequence[Sequence[Response] | Failed]


@frozen
class _Talk:
    """A conversation that is under way: what has been said, and what the user has yet to ask."""

    sample: Sample
    rest: tuple[Turn, ...]

    def answered(self, text: str) -> "_Talk":
        said = (*self.sample.prompt, Turn(role="assistant", text=text))
        return _cut(evolve(self.sample, prompt=(*said, *self.rest)))


def respond(generator: Generator, samples: Sequence[Sample], *, seed: int) -> Answers:
    """Return what a generator answers without sampling, to the last turn of each sample.

    A response to a conversation of several turns names in its ``prompt`` all that was said before it. Samples whose user
    speaks once in a row are asked as they are, in one call.
    """
    talks = [_cut(sample) for sample in samples]
    answers: list[Sequence[Response] | Failed] = list(
        generator.respond([talk.sample for talk in talks], seed=seed, greedy=True)
    )
    if len(answers) != len(talks):
        return answers
    while unfinished := {
        k: said for k, talk in enumerate(talks) if talk.rest and (said := _only(answers[k])) is not None
    }:
        for k, text in unfinished.items():
            talks[k] = talks[k].answered(text)
        more = generator.respond([talks[k].sample for k in unfinished], seed=seed, greedy=True)
        if len(more) != len(unfinished):
            return more
        for k, answer in zip(unfinished, more, strict=True):
            answers[k] = answer if isinstance(answer, Failed) else [_told(one, talks[k].sample) for one in answer]
    return answers


def _cut(sample: Sample) -> _Talk:
    said = turns(sample)
    for number, (turn, after) in enumerate(pairwise(said), 1):
        if turn.role == after.role == "user":
            return _Talk(evolve(sample, prompt=said[:number], context=""), said[number:])
    return _Talk(sample, ())


def _only(answer: Sequence[Response] | Failed) -> str | None:
    """Return the text of the one answer there is; whoever asked says what is wrong with several."""
    return None if isinstance(answer, Failed) or len(answer) != 1 else answer[0].text


def _told(response: Response, sample: Sample) -> Response:
    return evolve(response, prompt=sample.prompt)
