"""Options of the benchmarks, readable without any of their libraries."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from attrs import Attribute, field, frozen
from attrs.validators import and_, deep_iterable, ge, in_, le, min_len

_IMAGES = "the folder of the images"
_SEED = "seed of the draw"


def _splits(_: object, attribute: "Attribute[Any]", value: tuple[str, ...]) -> None:
    if len(set(value)) != len(value):
        msg = f"{attribute.name!r} must name each kind once: {value!r}"
        raise ValueError(msg)


@frozen(kw_only=True)
class PopeOptions:
    """Options of ``pope``. Exactly one of ``questions`` and ``objects`` is given."""

    questions: Path | None = field(
        default=None, metadata={"help": "the folder with the published files *_pope_random.json and so on"}
    )
    objects: Path | None = field(
        default=None,
        metadata={"help": "to build the questions: rows of 'image' and 'objects', or COCO's instances_*.json"},
    )
    images: Path = field(metadata={"help": _IMAGES})
    splits: tuple[Literal["random", "popular", "adversarial"], ...] = field(
        default=("random", "popular", "adversarial"),
        validator=and_(min_len(1), deep_iterable(in_(("random", "popular", "adversarial"))), _splits),
        metadata={"help": "kinds of absent objects asked about"},
    )
    reading: Literal["published", "first-word"] = field(
        default="published",
        validator=in_(("published", "first-word")),
        metadata={"help": "published: all that is not a no is a yes; first-word: unclear answers are left out"},
    )
    sample: int = field(default=500, validator=ge(1), metadata={"help": "with 'objects': images drawn"})
    per_image: int = field(
        default=3, validator=ge(1), metadata={"help": "with 'objects': present objects asked about, and as many absent"}
    )
    seed: int = field(default=0, metadata={"help": f"with 'objects': {_SEED}"})

    def __attrs_post_init__(self) -> None:
        """Ask for one source of questions."""
        if (self.questions is None) == (self.objects is None):
            there = "neither" if self.questions is None else "both"
            msg = f"give one of 'questions' and 'objects': there is {there}"
            raise ValueError(msg)


def pope_inputs(options: PopeOptions) -> Sequence[Path]:
    """Return the questions or the objects, and the images."""
    return [path for path in (options.questions, options.objects, options.images) if path]


@frozen(kw_only=True)
class ChairOptions:
    """Options of ``chair``."""

    annotations: Path = field(metadata={"help": "the folder with instances_val2014.json and captions_val2014.json"})
    images: Path = field(metadata={"help": "the folder val2014 of COCO's images"})
    prompt: str = field(
        default="Describe this image in detail.", validator=min_len(1), metadata={"help": "what is asked of each image"}
    )
    sample: int = field(default=500, validator=ge(1), metadata={"help": "images drawn, where no list is given"})
    seed: int = field(default=0, metadata={"help": _SEED})
    image_list: Path | None = field(
        default=None, metadata={"help": "rows with an 'image_id' each: the images to ask about, in place of a draw"}
    )
    synonyms: Path | None = field(
        default=None,
        metadata={"help": "a line of words per category, such as the published synonyms.txt; default: ours"},
    )


def chair_inputs(options: ChairOptions) -> Sequence[Path]:
    """Return the annotations and the images."""
    return [path for path in (options.annotations, options.images, options.image_list, options.synonyms) if path]


@frozen(kw_only=True)
class AmberGenerativeOptions:
    """Options of ``amber-generative``."""

    path: Path = field(metadata={"help": "a copy of the AMBER repository, or its folder data"})
    images: Path | None = field(default=None, metadata={"help": f"{_IMAGES}; 'image' in the path where left out"})
    nouns: Literal["words", "nltk"] = field(
        default="words",
        validator=in_(("words", "nltk")),
        metadata={"help": "words: all words of AMBER's vocabulary; nltk: those tagged as nouns, as the original does"},
    )
    similarity: Literal["synonyms", "spacy", "vectors"] = field(
        default="synonyms",
        validator=in_(("synonyms", "spacy", "vectors")),
        metadata={
            "help": "synonyms: AMBER's associations only; spacy, as the original, or vectors: also similar words"
        },
    )
    vectors: str = field(
        default="en_core_web_lg", metadata={"help": "with spacy: the model; with vectors: a text file as GloVe's"}
    )
    threshold: float = field(
        default=0.8,
        validator=and_(ge(-1.0), le(1.0)),
        metadata={"help": "cosine above which two words are similar, -1 to 1"},
    )

    @property
    def mode(self) -> str:
        """How nouns are found and compared, for the names of the metrics."""
        threshold = "" if self.threshold == 0.8 else f">{self.threshold:g}"  # noqa: PLR2004 - the original's
        by = {"synonyms": "synonyms"}.get(self.similarity, f"{self.similarity}:{Path(self.vectors).name}{threshold}")
        return f"{self.nouns},{by}"


@frozen(kw_only=True)
class AmberDiscriminativeOptions:
    """Options of ``amber-discriminative``."""

    path: Path = field(metadata={"help": "a copy of the AMBER repository, or its folder data"})
    images: Path | None = field(default=None, metadata={"help": f"{_IMAGES}; 'image' in the path where left out"})
    dimension: Literal["all", "existence", "attribute", "relation"] = field(
        default="all",
        validator=in_(("all", "existence", "attribute", "relation")),
        metadata={"help": "which questions to ask"},
    )
    reading: Literal["first-word", "exact"] = field(
        default="first-word",
        validator=in_(("first-word", "exact")),
        metadata={"help": "first-word: yes or no in front, in any case; exact: nothing but Yes or No, as published"},
    )


def amber_inputs(options: AmberGenerativeOptions | AmberDiscriminativeOptions) -> Sequence[Path]:
    """Return the annotations and the images."""
    return [path for path in (options.path, options.images) if path]


@frozen(kw_only=True)
class CaptionsOptions:
    """Options of ``captions``."""

    references: Path = field(
        metadata={"help": "rows of 'image', 'references' and perhaps 'id', 'prompt', 'context'; or COCO's captions"}
    )
    images: Path = field(metadata={"help": _IMAGES})
    prompt: str = field(
        default="Describe this image in one sentence.",
        validator=min_len(1),
        metadata={"help": "what is asked of each image that has no prompt of its own"},
    )
    tokens: Literal["words", "whitespace", "treebank", "ptb"] = field(
        default="words",
        validator=in_(("words", "whitespace", "treebank", "ptb")),
        metadata={"help": "how texts are cut; ptb is COCO's and needs Java, treebank NLTK's, whitespace keeps case"},
    )
    meteor: Literal["stem", "wordnet", "java", "none"] = field(
        default="stem",
        validator=in_(("stem", "wordnet", "java", "none")),
        metadata={"help": "which METEOR: NLTK's without or with WordNet, the 1.5 of COCO's scores, or none"},
    )


def captions_inputs(options: CaptionsOptions) -> Sequence[Path]:
    """Return the references and the images."""
    return (options.references, options.images)
