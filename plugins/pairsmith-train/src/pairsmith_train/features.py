"""The features of images that a frozen tower makes, kept on the disk: an image is encoded once, not once an epoch.

Each image has a file of its own, named by the image, in a directory named by all that the features depend on. A file is
written under another name and renamed, so it is whole or absent, and a killed run goes on with what is missing. Nothing is
held in memory: a batch reads the files of its images.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import file_digest, sha256
from pathlib import Path
from tempfile import NamedTemporaryFile

import torch
import transformers
from attrs import frozen
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from pairsmith.errors import StageError
from pairsmith.interfaces import Codec, Job
from pairsmith.values import Cell, Image, Item
from pairsmith_train.encode import Pixels, name_of

FOLDER = "image-features"
OPTION = "train.cache_image_features = true"
_PREFIX = "features."
"""Before the names of features; the model inputs that positions need stand beside them under their own names."""
_GIB = 2**30

Encode = Callable[[Pixels], Mapping[str, Tensor]]


@frozen
class FeatureStore:
    """The features of images, under one directory."""

    directory: Path

    def path(self, image: Image) -> Path:
        """Return an image's file. An image that no run keeps has no hash for an id, and goes by its content."""
        name = image.id
        if len(name) != len(sha256().hexdigest()):
            with image.path.open("rb") as file:
                name = file_digest(file, "sha256").hexdigest()
        return self.directory / name[:2] / f"{name}.safetensors"

    def missing(self, images: Iterable[Image]) -> list[Image]:
        """Return those of these images, each once, that have no features yet."""
        return [image for image in {name_of(one): one for one in images}.values() if not self.path(image).exists()]

    def write(self, image: Image, features: Mapping[str, Tensor], inputs: Pixels) -> int:
        """Keep the features of an image, and the model inputs that its positions need. Return the file's bytes."""
        kept = {**{_PREFIX + name: value for name, value in features.items()}, **inputs}
        data = save({name: value.detach().cpu().contiguous() for name, value in kept.items()})
        path, temporary = self.path(image), None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=path.parent, suffix=f".{_rank()[0]}.tmp", delete=False) as file:
                temporary = Path(file.name)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError as error:
            if temporary is not None:
                temporary.unlink(missing_ok=True)
            msg = f"{OPTION}: {str(path)!r} could not be written: {error.strerror or error}; what was finished is kept"
            raise StageError(msg) from error
        return len(data)

    def sweep(self) -> None:
        """Delete what this process, or one that is no more, began to write in a run that was killed.

        The others write at the same time, so each sweeps what has its own rank in the name, and the first the rest.
        """
        rank, world = _rank()
        for path in self.directory.glob("*/*.tmp"):
            *_, number, _ = ("", *path.name.split("."))
            if (int(number) % world if number.isdecimal() else 0) == rank:
                path.unlink(missing_ok=True)

    def read(self, image: Image) -> dict[str, Tensor]:
        """Return the features of an image, see :func:`features_of`, and the model inputs kept with them."""
        path = self.path(image)
        try:
            return load_file(path)
        except (OSError, SafetensorError) as error:
            msg = f"{OPTION}: {str(path)!r} cannot be read ({error}); delete it and run again"
            raise StageError(msg) from error


def _rank() -> tuple[int, int]:
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


def features_of(read: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the features among what was read, by the names that the model family gave them."""
    return {name.removeprefix(_PREFIX): value for name, value in read.items() if name.startswith(_PREFIX)}


def store(job: Job, **settings: str) -> FeatureStore:
    """Return the store of a training's images; another model or setting, another directory.

    The trainings of a run share it: what is compared with a control has the same images and the same frozen tower.
    """
    family = type(job.family)
    made_from = {
        "family": f"{family.__module__}.{family.__qualname__}",
        "model": job.family.fingerprint(job.weights),
        "attention": str(getattr(getattr(job.family, "options", None), "attention", "")),
        "transformers": transformers.__version__,
        **settings,
    }
    key = sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()
    return FeatureStore(job.run.directory / FOLDER / key[:16])


def images_of(items: Iterable[Item], cells: Sequence[Cell]) -> Iterator[Image]:
    """Yield the images that the cells of the items show."""
    return (image for item in items for cell in cells for image in item.images(cell))


def fill(kept: FeatureStore, images: Sequence[Image], codec: Codec, encode: Encode) -> None:
    """Encode images and keep their features. Raises before the disk is full with them, by the size of the first."""
    kept.sweep()
    placing: Sequence[str] = getattr(codec, "placing", ())
    for number, image in enumerate(images):
        pixels = codec.pixels(image)
        with torch.inference_mode():
            found = encode(pixels)
        size = kept.write(image, found, {name: pixels[name] for name in placing})
        if number == 0:
            _check_room(kept.directory, size, len(images) - 1)


def _check_room(directory: Path, size: int, count: int) -> None:
    free = shutil.disk_usage(directory).free
    if size * count > free:
        msg = (
            f"{OPTION}: {count} more images of {size / 2**20:.1f} MiB each are {size * count / _GIB:.1f} GiB, and "
            f"{free / _GIB:.1f} GiB are free in {str(directory)!r}; make room or leave it out"
        )
        raise StageError(msg)
