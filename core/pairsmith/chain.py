"""The data stages of a run read together: samples with their responses, claims and verdicts, a part at a time."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, TypeVar

from attrs import evolve, field, frozen

from pairsmith.directory import RunDirectory
from pairsmith.errors import StageError
from pairsmith.rows import RowCodec
from pairsmith.store import Row, Rows, Stage
from pairsmith.values import Claim, Judged, Response, Sample, Verdict

T = TypeVar("T")


@frozen(kw_only=True)
class Chain:
    """Which stages hold what. Part ``k`` of each is about the same samples, one row each, in the same order."""

    directory: RunDirectory
    samples: Stage
    responses: tuple[Stage, ...] = ()
    claims: Stage | None = None
    verdicts: tuple[Stage, ...] = ()
    codec: RowCodec = field(init=False, repr=False)

    @codec.default
    def _codec(self) -> RowCodec:
        return self.directory.codec

    def with_stage(self, **stages: Any) -> "Chain":  # noqa: ANN401 - a stage, or several
        """Return the chain one stage longer."""
        return evolve(self, **stages)

    def stages(self) -> list[Stage]:
        """Return the stages in order."""
        there = (self.samples, *self.responses, self.claims, *self.verdicts)
        return [stage for stage in there if stage is not None]

    def part_samples(self, part: int) -> list[Sample]:
        """Return the samples of a part."""
        return [self.codec.value(row["sample"], Sample) for row in self.samples.read(part) if "sample" in row]

    def all_samples(self) -> Rows[Sample]:
        """Return every sample of the run, read from the disk when asked for."""
        return Rows(self.samples, lambda row: self.codec.value(row["sample"], Sample), keep=b'{"sample"')

    def judged(self, part: int) -> Iterator[Judged]:
        """Yield the samples of a part with everything the stages so far say about them."""
        claims = self._column(self.claims, part)
        verdicts = zip(*(stage.read(part) for stage in self.verdicts), strict=True) if self.verdicts else None
        answers = zip(*(stage.read(part) for stage in self.responses), strict=True) if self.responses else None
        for sample in self.part_samples(part):
            yield Judged(
                sample=sample,
                responses=sample.given
                if answers is None
                else self._values(next(answers), "responses", Response, sample),
                claims=() if claims is None else self._values([next(claims)], "claims", Claim, sample),
                verdicts=() if verdicts is None else self._values(next(verdicts), "verdicts", Verdict, sample),
            )

    def all_judged(self) -> Iterator[Judged]:
        """Yield every sample, part by part, as far as all stages reach."""
        last = [stage for stage in (*self.verdicts, self.claims, *self.responses, self.samples) if stage]
        finished = set(self.samples.parts()).intersection(*(stage.parts() for stage in last))
        return chain.from_iterable(self.judged(part) for part in sorted(finished))

    def opinions(self, stages: Mapping[str, Stage]) -> Iterator[tuple[Judged, dict[str, tuple[Verdict, ...]]]]:
        """Yield every sample with the verdicts of each of these stages, by judge, as far as all of them reach."""
        chains = {judge: self.with_stage(verdicts=(stage,)) for judge, stage in stages.items()}
        reached = (
            set(one.parts())
            for one in (*stages.values(), *(stage for stage in (self.claims, *self.responses) if stage))
        )
        for part in sorted(set(self.samples.parts()).intersection(*reached)):
            columns = zip(*(one.judged(part) for one in chains.values()), strict=True) if chains else iter(())
            for judged in self.judged(part):
                by_judge = dict(zip(chains, (one.verdicts for one in next(columns, ())), strict=True))
                yield judged, by_judge

    def _column(self, stage: Stage | None, part: int) -> Iterator[Row] | None:
        return None if stage is None else stage.read(part)

    def _values(self, rows: Sequence[Row], name: str, kind: type[T], sample: Sample) -> tuple[T, ...]:
        if any(row["id"] != sample.id for row in rows):
            msg = f"{name} of part do not belong to sample {sample.id!r}; the run was edited by hand, start it anew"
            raise StageError(msg)
        return tuple(self.codec.value(value, kind) for row in rows for value in row[name])


def texts(chain_so_far: Chain) -> Iterator[str]:
    """Yield the prompts and answers of a run so far."""
    for judged in chain_so_far.all_judged():
        yield from (turn.text for turn in judged.sample.prompt)
        if judged.sample.context:
            yield judged.sample.context
        yield from (response.text for response in judged.responses)
