"""How one part of each data stage is made. Every function here yields rows and counts what a person will ask about."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from pairsmith import turnwise
from pairsmith.admission import left_out
from pairsmith.cases import check_verdicts, opposite, shown, unjudged
from pairsmith.chain import Chain
from pairsmith.errors import StageError
from pairsmith.hygiene import Hygiene
from pairsmith.interfaces import Corruption
from pairsmith.lazy import Lazy
from pairsmith.rows import RowCodec
from pairsmith.seeds import derive
from pairsmith.store import Row
from pairsmith.values import (
    Case,
    Claim,
    Corrupted,
    Dropped,
    Failed,
    Item,
    Judged,
    Pair,
    Response,
    Sample,
)

Work = Callable[[int, "Counter[str]"], Iterator[Row]]
"""Makes a part: given its number and a counter, yields its rows."""


@frozen(kw_only=True)
class Step:
    """A data stage whose parts are one to one with those of the stages before it.

    ``may_fail`` is the number of samples that the recipe lets it fail on, and ``facts`` says what a person will ask about
    it when it has ended, such as what it cost.
    """

    name: str
    ingredients: Mapping[str, Any]
    work: Work
    may_fail: int | None = None
    facts: Callable[[], Mapping[str, Any]] = dict


# Responses, claims, verdicts -------------------------------------------------------------------------------------------


def respond(chain: Chain, generator: Lazy, seed: int, *, greedy: bool = False) -> Work:
    """Have a generator answer each sample."""

    def work(part: int, counts: "Counter[str]") -> Iterator[Row]:
        samples = chain.part_samples(part)
        answers: turnwise.Answers = []
        if samples and greedy:
            answers = turnwise.respond(generator(), samples, seed=derive(seed, part))
        elif samples:
            answers = generator().respond(samples, seed=derive(seed, part))
        _same_number(generator, samples, answers)
        for sample, responses in zip(samples, answers, strict=True):
            if isinstance(responses, Failed):
                counts["failed"] += 1
                yield {"id": sample.id, "responses": [], "failed": responses.reason}
                continue
            if greedy and len(responses) != 1:
                msg = f"{generator.use.where}: {generator.use.name!r} gave {len(responses)} greedy answers, not 1"
                raise StageError(msg)
            counts["responses"] += len(responses)
            yield {"id": sample.id, "responses": [chain.codec.row(response) for response in responses]}

    return work


def decompose(chain: Chain, decomposer: Lazy) -> Work:
    """Split the responses of each sample into claims."""

    def work(part: int, counts: "Counter[str]") -> Iterator[Row]:
        cases = [Case(sample=judged.sample, responses=judged.responses) for judged in chain.judged(part)]
        for case, made in zip(cases, _claims(decomposer, cases), strict=True):
            if isinstance(made, Failed):
                counts["failed"] += 1
                yield {"id": case.sample.id, "claims": [], "failed": made.reason}
                continue
            claims = [chain.codec.row(one) for one in made if isinstance(one, Claim)]
            lost = [one for one in made if isinstance(one, Dropped)]
            counts["claims"] += len(claims)
            counts.update(f"dropped: {one.reason}" for one in lost)
            row = {"id": case.sample.id, "claims": claims}
            yield {**row, "lost": [chain.codec.row(one) for one in lost]} if lost else row

    return work


def _claims(decomposer: Lazy, cases: Sequence[Case]) -> Iterable[Sequence[Claim | Dropped] | Failed]:
    if not cases:
        return []
    if not hasattr(decomposer(), "decompose_many"):
        return (decomposer().decompose(case.sample, case.responses) for case in cases)
    given: Sequence[Sequence[Claim | Dropped] | Failed] = decomposer().decompose_many(cases)
    _same_number(decomposer, cases, given)
    return given


def judge(chain: Chain, expert: Lazy, *, swapped: bool = False) -> Work:
    """Have a judge look at a part; what depends on a contradicted claim is skipped and never shown to it.

    ``swapped`` shows it the answers to every sample in the opposite order.
    """

    def work(part: int, counts: "Counter[str]") -> Iterator[Row]:
        everything = list(chain.judged(part))
        if not everything:
            return
        aspects = expert().aspects
        if chain.claims is None and aspects != ():
            msg = (
                f"{expert.use.where}: {expert.use.name!r} judges claims and the recipe makes none; "
                f"add a table [claims] that names a decomposer"
            )
            raise StageError(msg)
        name = expert.use.name
        sights = [shown(judged, aspects, name) for judged in everything]
        cases = [opposite(case) if swapped else case for case, _ in sights]
        given = expert().judge(cases)
        _same_number(expert, cases, given)
        for (case, skipped), answer in zip(sights, given, strict=True):
            failed = {"failed": answer.reason} if isinstance(answer, Failed) else {}
            verdicts = unjudged(case, aspects, name, answer) if isinstance(answer, Failed) else answer
            check_verdicts(expert.use.where, name, aspects, case, verdicts)
            for verdict in (*verdicts, *skipped):
                counts[verdict.outcome or "scored"] += 1
            counts.update(dict.fromkeys(failed, 1))
            rows = [chain.codec.row(verdict) for verdict in (*verdicts, *skipped)]
            yield {"id": case.sample.id, "verdicts": rows, **failed}

    return work


def _same_number(component: Lazy, asked: Sequence[object], got: Sequence[object]) -> None:
    if len(asked) != len(got):
        msg = f"{component.use.where}: {component.use.name!r} was given {len(asked)} samples and answered {len(got)}"
        raise StageError(msg)


# Pairs ---------------------------------------------------------------------------------------------------------------


def _of_two_prompts(value: object) -> bool:
    """Tell whether a pair's answers belong to different questions, which is DPO over two prompts (DecompGen)."""
    return isinstance(value, Pair) and value.chosen.prompt != value.rejected.prompt


def select(chain: Chain, selector: Lazy, hygiene: Hygiene, seed: int) -> Work:
    """Choose pairs (or demonstrations) and leave out, by name, those that nothing can be learnt from."""
    surveyed: list[object] = []

    def work(part: int, counts: "Counter[str]") -> Iterator[Row]:
        if hasattr(selector(), "survey") and selector() not in surveyed:
            selector().survey(Everything(chain, seed))
            surveyed.append(selector())
        for judged in chain.judged(part):
            chosen = selector().select(judged, seed=derive(seed, judged.sample.id))
            for value in chosen:
                counts["selected"] += 1
                drop = value if isinstance(value, Dropped) else hygiene.reason(value)
                if drop is not None:
                    yield left_out(Dropped(id=value.id, reason=drop.reason, detail=drop.detail), counts)
                    continue
                counts["kept"] += 1
                counts.update(["of two prompts"] if _of_two_prompts(value) else [])
                # What is known about the image was for the judges; training and its reference read only the prompt.
                lean = evolve(value, sample=evolve(value.sample, given=(), truth={}, candidates=()))
                yield {"item": chain.codec.row(Item(value=lean))}

    return work


@frozen
class Everything:
    """All judged samples with the seed of each, read from the disk whenever they are asked for."""

    chain: Chain
    seed: int

    def __iter__(self) -> Iterator[tuple[Judged, int]]:
        """Yield them in order."""
        return ((judged, derive(self.seed, judged.sample.id)) for judged in self.chain.all_judged())


def corrupt(
    read: Callable[[int], Sequence[Item]],
    others: Sequence[Sample],
    corruptions: Mapping[str, Lazy],
    codec: RowCodec,
    seed: int,
) -> Work:
    """Give each item its worse image and its worse context, the same ones in every run with this seed."""

    def work(part: int, counts: "Counter[str]") -> Iterator[Row]:
        for item in read(part):
            images, context, draw = None, None, dict[str, Any]()
            for axis, lazy in sorted(corruptions.items()):
                corruption: Corruption = lazy()
                if corruption.axis != axis:
                    msg = f"{lazy.use.where}: {lazy.use.name!r} corrupts the {corruption.axis}, not the {axis}"
                    raise StageError(msg)
                own = derive(seed, axis, item.id)
                if corruption.axis == "image":
                    images, draw[axis] = corruption.corrupt_images(item.value.sample, others, seed=own)
                else:
                    context, draw[axis] = corruption.corrupt_context(item.value.sample, others, seed=own)
            counts["corrupted"] += 1
            yield {"item": codec.row(evolve(item, corrupted=Corrupted(images=images, context=context, draw=draw)))}

    return work


def responses_of(row: Row, codec: RowCodec) -> list[Response]:
    """Return the responses of a row of an answers stage."""
    return [codec.value(value, Response) for value in row["responses"]]
