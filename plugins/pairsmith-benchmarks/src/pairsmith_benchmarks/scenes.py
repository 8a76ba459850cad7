"""Which objects are in which image: from rows of any source, or from COCO's files."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from pairsmith.errors import StageError
from pairsmith_benchmarks.folder import inside, once, rows, text_of

_WANTED = frozenset(
    ("images", "annotations", "categories", "id", "image_id", "category_id", "file_name", "name", "caption")
)


@frozen(kw_only=True)
class Scene:
    """An image and the different objects in it, in the order of the annotations."""

    image: str
    objects: tuple[str, ...]


@frozen(kw_only=True)
class CocoFile:
    """What is used of one of COCO's annotation files: names of images, and what was said of each, by image id."""

    path: Path
    names: Mapping[int, str]
    said: Mapping[int, Sequence[str]]


def scenes_of(path: Path) -> list[Scene]:
    """Return the scenes of a file: rows of ``image`` and ``objects``, or COCO's ``instances_*.json``.

    Raises :class:`StageError` where it is neither.
    """
    if is_coco(path):
        file = coco(path, "instances")
        return [Scene(image=name, objects=tuple(dict.fromkeys(file.said[one]))) for one, name in file.names.items()]
    scenes = []
    for place, row in rows(path):
        objects = row.get("objects")
        if not isinstance(objects, list) or not all(isinstance(one, str) and one.strip() for one in objects):
            msg = f"{place} must have an array of names 'objects': {objects!r:.80}"
            raise StageError(msg)
        image = inside(text_of(row, "image", place), place)
        scenes.append(Scene(image=image, objects=tuple(dict.fromkeys(objects))))
    once([scene.image for scene in scenes], "objects")
    return scenes


def is_coco(path: Path) -> bool:
    """Tell whether a file is one of COCO's: one object that begins with one of its keys, on the first line or not."""
    if not path.is_file():
        msg = f"{str(path)!r} is not a file"
        raise StageError(msg)
    with path.open("rb") as file:
        start = file.read(200).lstrip(b"\xef\xbb\xbf \t\r\n").replace(b" ", b"").replace(b"\n", b"")
    return start.startswith((b'{"info":', b'{"images":', b'{"licenses":', b'{"annotations":', b'{"categories":'))


def coco(path: Path, kind: str) -> CocoFile:
    """Read ``instances_*.json`` (names of categories) or ``captions_*.json`` (texts).

    Raises :class:`StageError` for a file that is not whole, and for annotations of images that it does not list.
    """
    try:
        # Outlines are most of the file and nothing here needs them: they are dropped while the file is read.
        data = json.loads(path.read_bytes(), object_hook=lambda row: {k: v for k, v in row.items() if k in _WANTED})
    except (ValueError, RecursionError) as error:
        msg = f"{str(path)!r} is not whole: {error}; download it again"
        raise StageError(msg) from None
    needed = ("images", "annotations", *(["categories"] if kind == "instances" else []))
    lacks = [name for name in needed if not isinstance(data, dict) or not isinstance(data.get(name), list)]
    if lacks:
        msg = f"{str(path)!r} is no {kind} file of COCO: it has no array {', '.join(map(repr, lacks))}"
        raise StageError(msg)
    try:
        return _coco(path, data, kind)
    except (KeyError, TypeError) as error:
        msg = f"{str(path)!r} is no {kind} file of COCO: an entry lacks {error}"
        raise StageError(msg) from None


def _coco(path: Path, data: Mapping[str, Any], kind: str) -> CocoFile:
    names = {row["id"]: inside(row["file_name"], str(path)) for row in data["images"]}
    said: dict[int, list[str]] = {one: [] for one in names}
    categories = {row["id"]: row["name"] for row in data.get("categories", ())} if kind == "instances" else {}
    strangers = set()
    for row in data["annotations"]:
        if row["image_id"] not in said:
            strangers.add(row["image_id"])
            continue
        said[row["image_id"]].append(categories[row["category_id"]] if kind == "instances" else row["caption"])
    if strangers:
        msg = (
            f"{str(path)!r} is not whole: it annotates {len(strangers):,} images that it does not list, such as "
            f"{min(strangers)}; download it again"
        )
        raise StageError(msg)
    return CocoFile(path=path, names=names, said=said)


def merged(files: Iterable[CocoFile]) -> tuple[dict[int, str], dict[int, list[str]]]:
    """Return the names and what was said of several files, of which each may know other images."""
    names: dict[int, str] = {}
    said: dict[int, list[str]] = {}
    for file in files:
        names.update(file.names)
        for one, words in file.said.items():
            said.setdefault(one, []).extend(words)
    return names, said
