"""VLFeedback's rows (arXiv 2312.10665): an instruction with four models' answers, each rated in three respects."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from pairsmith.errors import StageError
from pairsmith.interfaces import RunView
from pairsmith.values import Judged, user
from pairsmith_formats.edits import mend
from pairsmith_formats.export import RowExport
from pairsmith_formats.kept import KeptImages
from pairsmith_formats.reading import Answer, Entry, Format, Reading, Row, bad, identity, number, paths, text
from pairsmith_formats.source import RowSource
from pairsmith_formats.writing import entry_of_sample, one_image, one_question


def _read(row: Row) -> Reading:
    completions = _completions(row.get("completions"))
    return Reading(
        id=identity(row, "id"),
        images=paths(row, "image", "img_path"),
        prompt=user(text(row, "prompt")),
        answers=tuple(
            Answer(text=text(one, "response"), model=_model(one), ratings=_ratings(one.get("annotations")))
            for one in completions
        ),
    )


def _model(completion: Row) -> str:
    model = completion.get("model")
    return model if isinstance(model, str) else ""


def _completions(value: Any) -> Sequence[Row]:  # noqa: ANN401 - whatever the row holds
    """Return the completions one by one: Parquet files of the data set hold them as columns."""
    if isinstance(value, dict) and isinstance(value.get("response"), list):
        return [_row_of(value, place) for place in range(len(value["response"]))]
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        bad("has no list of 'completions'")
    return value


def _row_of(columns: Any, place: int) -> Any:  # noqa: ANN401 - lists inside of objects, as deep as they go
    if isinstance(columns, dict):
        return {name: _row_of(column, place) for name, column in columns.items()}
    if isinstance(columns, list):
        return columns[place] if place < len(columns) else None
    return columns


def _ratings(annotations: Any) -> Mapping[str, float]:  # noqa: ANN401
    if not isinstance(annotations, dict):
        return {}
    found = {name: number(one.get("Rating")) for name, one in annotations.items() if isinstance(one, dict)}
    return {name: value for name, value in found.items() if value is not None}


def _write(entry: Entry) -> dict[str, Any]:
    """Write the answers of a sample that was read; those of a run are added by :class:`VLFeedbackExport`."""
    path = one_image(entry, "vlfeedback")
    answers = [{"model": one.model, "response": one.text, "annotations": {}} for one in entry.sample.given]
    return {
        "id": entry.id,
        "prompt": one_question(entry, "vlfeedback"),
        **({"image": path} if path else {}),
        "models": [answer["model"] for answer in answers],
        "completions": answers,
    }


class VLFeedbackExport(RowExport):
    """Writes every sample with all its answers, and as ratings the scores that the judges gave them."""

    def _rows(self, run: RunView, images: KeptImages) -> Iterator[Row]:
        for judged in run.judged():
            sample = judged.sample
            if not judged.responses:
                msg = f"sample {sample.id!r} has no answer; vlfeedback holds samples with their answers"
                raise StageError(msg)
            kept = images.keep(sample, sample.id)
            if sample.given == judged.responses and sample.extra.get("format") == self._format.name:
                yield mend(self._format.write(entry_of_sample(sample, kept)), sample.extra.get("edits", ()))
            else:
                yield _rated(judged, kept)


def _rated(judged: Judged, kept: tuple[str, ...]) -> Row:
    from attrs import evolve

    row = _write(entry_of_sample(evolve(judged.sample, given=judged.responses), kept))
    for answer, response in zip(row["completions"], judged.responses, strict=True):
        answer["annotations"] = {
            verdict.judge: {"Rating": verdict.score, "Rationale": verdict.reason}
            for verdict in judged.verdicts
            if verdict.response_id == response.id and verdict.claim_id is None and verdict.score is not None
        }
    return row


FORMAT = Format(name="vlfeedback", read=_read, write=_write, file="vlfeedback", lines=True, holds="both")

source = partial(RowSource, FORMAT)
export = partial(VLFeedbackExport, FORMAT)
