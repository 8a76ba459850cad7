"""What annotations say is in an image: scene graphs (GQA, Visual Genome) and COCO instances as one kind of thing."""

from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from pairsmith_grounding.geometry import Box

COCO = frozenset(
    [
        "person",
        "bicycle",
        "car",
        "motorcycle",
        "airplane",
        "bus",
        "train",
        "truck",
        "boat",
        "bench",
        "bird",
        "cat",
        "dog",
        "horse",
        "sheep",
        "cow",
        "elephant",
        "bear",
        "zebra",
        "giraffe",
        "backpack",
        "umbrella",
        "handbag",
        "tie",
        "suitcase",
        "frisbee",
        "skis",
        "snowboard",
        "kite",
        "skateboard",
        "surfboard",
        "bottle",
        "cup",
        "fork",
        "knife",
        "spoon",
        "bowl",
        "banana",
        "apple",
        "sandwich",
        "orange",
        "broccoli",
        "carrot",
        "pizza",
        "donut",
        "cake",
        "chair",
        "couch",
        "bed",
        "toilet",
        "tv",
        "laptop",
        "mouse",
        "remote",
        "keyboard",
        "microwave",
        "oven",
        "toaster",
        "sink",
        "refrigerator",
        "book",
        "clock",
        "vase",
        "scissors",
        "toothbrush",
    ]
) | {
    "traffic light",
    "fire hydrant",
    "stop sign",
    "parking meter",
    "sports ball",
    "baseball bat",
    "baseball glove",
    "tennis racket",
    "wine glass",
    "hot dog",
    "potted plant",
    "dining table",
    "cell phone",
    "teddy bear",
    "hair drier",
}
"""The 80 things that COCO's instances are complete for."""


@frozen(kw_only=True)
class Thing:
    """An annotated thing. ``relations`` are ``(what, key of the other thing)``; a crowd is several in one."""

    names: tuple[str, ...]
    box: Box | None = None
    attributes: tuple[str, ...] = ()
    relations: tuple[tuple[str, str], ...] = ()
    crowd: bool = False


@frozen(kw_only=True)
class Truth:
    """The things of an image by their keys. ``vocabulary`` is what they are complete for; ``None`` means everything."""

    things: Mapping[str, Thing]
    vocabulary: frozenset[str] | None = None


def read(truth: Mapping[str, Any]) -> Truth | None:
    """Return what a sample's truth says, or ``None`` where it holds neither a scene graph nor instances.

    ``truth["scene_graph"]`` is one image of GQA's scene graphs or of Visual Genome's; ``truth["instances"]`` one image of
    COCO: ``{"width", "height", "annotations": [{"category", "bbox": [x, y, w, h], "iscrowd"}]}``, with ``"categories"``
    where they are not COCO's 80.
    """
    graph, instances = truth.get("scene_graph"), truth.get("instances")
    if isinstance(graph, Mapping):
        return Truth(things=dict(_graph(graph)))
    if isinstance(instances, Mapping):
        named = instances.get("categories")
        vocabulary = COCO if named is None else frozenset(str(name).lower() for name in named)
        return Truth(things=dict(_instances(instances)), vocabulary=vocabulary)
    return None


def _graph(graph: Mapping[str, Any]) -> Iterator[tuple[str, Thing]]:
    objects = graph.get("objects", {})
    rows = objects.items() if isinstance(objects, Mapping) else ((str(row["object_id"]), row) for row in objects)
    outside: dict[str, list[tuple[str, str]]] = {}
    for row in graph.get("relationships", ()):  # Visual Genome keeps relations beside the objects
        outside.setdefault(str(row["subject_id"]), []).append((str(row["predicate"]).lower(), str(row["object_id"])))
    for key, row in rows:
        names = row.get("names") or [row["name"]]
        relations = [(str(one["name"]).lower(), str(one["object"])) for one in row.get("relations", ())]
        yield (
            str(key),
            Thing(
                names=tuple(str(name).lower() for name in names),
                box=_box([row.get("x"), row.get("y"), row.get("w"), row.get("h")], graph),
                attributes=tuple(str(name).lower() for name in row.get("attributes") or ()),
                relations=(*relations, *outside.get(str(key), ())),
            ),
        )


def _instances(instances: Mapping[str, Any]) -> Iterator[tuple[str, Thing]]:
    for number, row in enumerate(instances.get("annotations", ())):
        box = _box(list(row.get("bbox") or []), instances)
        name = str(row["category"]).lower()
        yield str(number), Thing(names=(name,), box=box, crowd=bool(row.get("iscrowd", 0)))


def _box(corner: list[Any], image: Mapping[str, Any]) -> Box | None:
    """Return left, top, width and height in pixels as a box in fractions, or ``None`` where something is missing."""
    sides = 4
    width, height = image.get("width"), image.get("height")
    if not width or not height or len(corner) != sides or any(value is None for value in corner):
        return None
    x, y, w, h = (float(value) for value in corner)
    return (x / width, y / height, (x + w) / width, (y + h) / height)
