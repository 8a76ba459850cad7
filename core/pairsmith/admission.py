"""How images and samples enter a run: each image is checked and stored, and what cannot be used is noted."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from attrs import evolve

from pairsmith.errors import StageError
from pairsmith.interfaces import CheckedImage, ImageStore
from pairsmith.lazy import Lazy
from pairsmith.rows import RowCodec
from pairsmith.store import Row, Stage
from pairsmith.values import Dropped, Image, Sample


def admit(sample: Sample, check: Lazy, images: ImageStore, *, stop_on_bad_image: bool) -> Sample | tuple[Image, str]:
    """Bring a sample's images into the run; return the first that cannot be used, with the reason, if there is one."""

    def admitted(some: Sequence[Image]) -> tuple[Image, ...]:
        return tuple(image if image.id else _admit_file(image, check, images) for image in some)

    try:
        return evolve(sample, images=admitted(sample.images), candidates=admitted(sample.candidates))
    except _BadImageError as bad:
        if stop_on_bad_image:
            msg = f"images: sample {sample.id!r}: {str(bad.image.path)!r} {bad.reason}"
            raise StageError(msg) from None
        return bad.image, bad.reason


class _BadImageError(Exception):
    def __init__(self, image: Image, reason: str) -> None:
        super().__init__(reason)
        self.image, self.reason = image, reason


def _admit_file(image: Image, check: Lazy, images: ImageStore) -> Image:
    checked: CheckedImage | str = check().check(image.path)
    if isinstance(checked, str):
        raise _BadImageError(image, checked)
    if checked.data is not None:
        return images.add_bytes(checked.data, checked.suffix)
    try:
        return images.add_file(image.path)
    except OSError as error:
        raise _BadImageError(image, f"cannot be read: {error.strerror}") from None


def batches(samples: Iterator[Sample | Dropped], size: int) -> Iterator[list[Sample | Dropped]]:
    """Yield the samples of one part after another."""
    while batch := list(islice(samples, size)):
        yield batch


def decided(samples: Iterator[Sample | Dropped], *, by_judges: bool) -> Iterator[Sample | Dropped]:
    """Yield samples, and refuse one whose images nobody is there to choose."""
    for sample in samples:
        if isinstance(sample, Sample) and sample.candidates and not sample.images and not by_judges:
            msg = (
                f"images: sample {sample.id!r} comes with {len(sample.candidates)} candidate images, and the recipe has no "
                f"table [[image_judges]] that chooses; add one, or have the source make one image a sample"
            )
            raise StageError(msg)
        yield sample


def image_rows(
    samples: Sequence[Sample | Dropped],
    check: Lazy,
    images: ImageStore,
    codec: RowCodec,
    counts: "Counter[str]",
    *,
    stop_on_bad_image: bool,
) -> Iterator[Row]:
    """Yield the samples of a part with their images checked and stored, and a note of each that had to be left out."""
    for sample in samples:
        if isinstance(sample, Dropped):
            yield left_out(sample, counts)
            continue
        admitted = admit(sample, check, images, stop_on_bad_image=stop_on_bad_image)
        if isinstance(admitted, Sample):
            counts["samples"] += 1
            yield {"sample": codec.row(admitted)}
        else:
            image, reason = admitted
            yield left_out(Dropped(id=sample.id, reason="bad image", detail=f"{image.path} {reason}"), counts)


def left_out(lost: Dropped, counts: "Counter[str]") -> Row:
    """Count what was left out, and return the row that says why."""
    counts[f"dropped: {lost.reason}"] += 1
    return {"dropped": {"id": lost.id, "reason": lost.reason, "detail": lost.detail}}


def some_used(stage: Stage) -> None:
    """Stop where not one sample can be used."""
    note = stage.done() or {}
    if not note["counts"].get("samples"):
        first = next(row["dropped"] for row in stage.rows())
        msg = f"images: none of {note['rows']} samples can be used; the first: {first['detail']}"
        raise StageError(msg)


def length(source: object) -> int | None:
    """Return how many samples a source has, where it says."""
    return len(source) if hasattr(source, "__len__") else None
