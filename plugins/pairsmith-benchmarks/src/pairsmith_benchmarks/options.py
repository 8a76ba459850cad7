"""Options of the benchmarks, readable without any of their libraries."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from attrs import Attribute, field, frozen
from attrs.validators import and_, deep_iterable, ge, in_, le, min_len

IMAGES = "the folder of the images"
_SEED = "seed of the draw"
SCORES = {"scores_only": True}
"""Marks what matters to scores only: where it alone changes, the same answers are scored again."""


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
    images: Path = field(metadata={"help": IMAGES})
    splits: tuple[Literal["random", "popular", "adversarial"], ...] = field(
        default=("random", "popular", "adversarial"),
        validator=and_(min_len(1), deep_iterable(in_(("random", "popular", "adversarial"))), _splits),
        metadata={"help": "kinds of absent objects asked about"},
    )
    reading: Literal["published", "first-word"] = field(
        default="published",
        validator=in_(("published", "first-word")),
        metadata={
            **SCORES,
            "help": "published: all that is not a no is a yes; first-word: unclear answers are left out",
        },
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
    images: Path | None = field(default=None, metadata={"help": f"{IMAGES}; 'image' in the path where left out"})
    nouns: Literal["words", "nltk"] = field(
        default="words",
        validator=in_(("words", "nltk")),
        metadata={
            **SCORES,
            "help": "words: all words of AMBER's vocabulary; nltk: those tagged as nouns, as the original does",
        },
    )
    similarity: Literal["synonyms", "spacy", "vectors"] = field(
        default="synonyms",
        validator=in_(("synonyms", "spacy", "vectors")),
        metadata={
            **SCORES,
            "help": "synonyms: AMBER's associations only; spacy, as the original, or vectors: also similar words",
        },
    )
    vectors: str = field(
        default="en_core_web_lg",
        metadata={**SCORES, "help": "with spacy: the model; with vectors: a text file as GloVe's"},
    )
    threshold: float = field(
        default=0.8,
        validator=and_(ge(-1.0), le(1.0)),
        metadata={**SCORES, "help": "cosine above which two words are similar, -1 to 1"},
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
    images: Path | None = field(default=None, metadata={"help": f"{IMAGES}; 'image' in the path where left out"})
    dimension: Literal["all", "existence", "attribute", "relation"] = field(
        default="all",
        validator=in_(("all", "existence", "attribute", "relation")),
        metadata={"help": "which questions to ask"},
    )
    reading: Literal["first-word", "exact"] = field(
        default="first-word",
        validator=in_(("first-word", "exact")),
        metadata={
            **SCORES,
            "help": "first-word: yes or no in front, in any case; exact: nothing but Yes or No, as published",
        },
    )


def amber_inputs(options: AmberGenerativeOptions | AmberDiscriminativeOptions) -> Sequence[Path]:
    """Return the annotations, the images, and the word vectors where they are a file."""
    paths = [path for path in (options.path, options.images) if path]
    if isinstance(options, AmberGenerativeOptions) and options.similarity == "vectors":
        paths.append(Path(options.vectors))
    return paths


@frozen(kw_only=True)
class CaptionsOptions:
    """Options of ``captions``."""

    references: Path = field(
        metadata={"help": "rows of 'image', 'references' and perhaps 'id', 'prompt', 'context'; or COCO's captions"}
    )
    images: Path = field(metadata={"help": IMAGES})
    prompt: str = field(
        default="Describe this image in one sentence.",
        validator=min_len(1),
        metadata={"help": "what is asked of each image that has no prompt of its own"},
    )
    tokens: Literal["words", "whitespace", "treebank", "ptb"] = field(
        default="words",
        validator=in_(("words", "whitespace", "treebank", "ptb")),
        metadata={
            **SCORES,
            "help": "how texts are cut; ptb is COCO's and needs Java, treebank NLTK's, whitespace keeps case",
        },
    )
    meteor: Literal["stem", "wordnet", "java", "none"] = field(
        default="stem",
        validator=in_(("stem", "wordnet", "java", "none")),
        metadata={**SCORES, "help": "which METEOR: NLTK's without or with WordNet, the 1.5 of COCO's scores, or none"},
    )


def captions_inputs(options: CaptionsOptions) -> Sequence[Path]:
    """Return the references and the images."""
    return (options.references, options.images)


JUDGE = {**SCORES, "help": "the generator that is asked, as a table { use = ..., ... }", "component": "generators"}
"""Of an option whose table names a generator, which is read and checked with the recipe."""
JUDGE_NAME = "its name in the metrics; the component's and its model's where left out"
REVIEWS = "in place of a judge: rows of 'id' and 'review', replies made elsewhere"


def one_judge(judge: Mapping[str, Any] | None, reviews: Path | None, name: str) -> None:
    """Refuse two judges, none, and replies of a judge without a name."""
    if (judge is None) == (reviews is None):
        msg = f"give one of 'judge' and 'reviews': there is {'neither' if judge is None else 'both'}"
        raise ValueError(msg)
    if reviews is not None and not name:
        msg = "'reviews' need 'judge_name': a number without its judge's name says nothing"
        raise ValueError(msg)


@frozen(kw_only=True)
class MmhalOptions:
    """Options of ``mmhal-bench``. Exactly one of ``judge`` and ``reviews`` is given."""

    path: Path = field(metadata={"help": "the folder with response_template.json and eval_gpt4.py"})
    images: Path | None = field(default=None, metadata={"help": f"{IMAGES}; 'images' in the path where left out"})
    judge: Mapping[str, Any] | None = field(default=None, metadata=JUDGE)
    judge_name: str = field(default="", metadata={**SCORES, "help": JUDGE_NAME})
    reviews: Path | None = field(default=None, metadata={**SCORES, "help": REVIEWS})
    template: Path | None = field(
        default=None,
        metadata={**SCORES, "help": "the judge's prompt, a text with four {}; the published one where left out"},
    )
    unparsed: Literal["leave-out", "zero"] = field(
        default="leave-out",
        validator=in_(("leave-out", "zero")),
        metadata={
            **SCORES,
            "help": "a review without one clear rating is left out, or rated 0 as the benchmark's own script does",
        },
    )

    def __attrs_post_init__(self) -> None:
        """Ask for one judge, and for its name."""
        one_judge(self.judge, self.reviews, self.judge_name)


def mmhal_inputs(options: MmhalOptions) -> Sequence[Path]:
    """Return the questions, the images, the prompt and the reviews."""
    return [path for path in (options.path, options.images, options.template, options.reviews) if path]


@frozen(kw_only=True)
class HalbenchOptions:
    """Options of ``object-halbench``. Exactly one of ``judge`` and ``reviews`` is given."""

    questions: Path = field(metadata={"help": "obj_halbench_300_with_image.jsonl: rows of 'image_id' and 'question'"})
    annotations: Path = field(metadata={"help": "the folder with instances_val2014.json and captions_val2014.json"})
    images: Path = field(metadata={"help": "the folder val2014 of COCO's images"})
    judge: Mapping[str, Any] | None = field(default=None, metadata=JUDGE)
    judge_name: str = field(default="", metadata={**SCORES, "help": JUDGE_NAME})
    reviews: Path | None = field(default=None, metadata={**SCORES, "help": REVIEWS})
    template: Path | None = field(
        default=None,
        metadata={
            **SCORES,
            "help": "the extractor's prompt: eval_gpt_obj_halbench.py, or a text with {question} and {answer}",
        },
    )
    synonyms: Path | None = field(
        default=None, metadata={"help": "a line of words per category; the plugin's own where left out"}
    )

    def __attrs_post_init__(self) -> None:
        """Ask for one judge, and for its name."""
        one_judge(self.judge, self.reviews, self.judge_name)


def halbench_inputs(options: HalbenchOptions) -> Sequence[Path]:
    """Return the questions, the annotations, the images, the prompt, the words and the reviews."""
    some = (options.questions, options.annotations, options.images, options.template, options.synonyms, options.reviews)
    return [path for path in some if path]
