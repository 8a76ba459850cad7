"""Options of the benchmarks whose answers a named judge rates, readable without any of their libraries."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from attrs import field, frozen
from attrs.validators import in_, min_len

from pairsmith_benchmarks.options import IMAGES, JUDGE, JUDGE_NAME, REVIEWS, SCORES, one_judge

_READINGS = ("leave-out", "as-published")


def _unparsed(what: str) -> Any:  # noqa: ANN401 - an attrs field
    return field(
        default="leave-out",
        validator=in_(_READINGS),
        metadata={**SCORES, "help": f"a review that cannot be read is left out, or, as published, {what}"},
    )


@frozen(kw_only=True)
class Judged:
    """Who rates the answers. Exactly one of ``judge`` and ``reviews`` is given."""

    path: Path
    judge: Mapping[str, Any] | None = field(default=None, metadata=JUDGE)
    judge_name: str = field(default="", metadata={**SCORES, "help": JUDGE_NAME})
    reviews: Path | None = field(default=None, metadata={**SCORES, "help": REVIEWS})

    def __attrs_post_init__(self) -> None:
        """Ask for one judge, and for its name."""
        one_judge(self.judge, self.reviews, self.judge_name)


@frozen(kw_only=True)
class MmvetOptions(Judged):
    """Options of ``mm-vet``."""

    path: Path = field(metadata={"help": "the folder with mm-vet.json, images and mm-vet_evaluator.py"})
    images: Path | None = field(default=None, metadata={"help": f"{IMAGES}; 'images' in the path where left out"})
    template: Path | None = field(
        default=None,
        metadata={**SCORES, "help": "what the judge is told before the question; the published text where left out"},
    )
    unparsed: Literal["leave-out", "as-published"] = _unparsed("rated 0")
    sets: bool = field(
        default=False,
        metadata={**SCORES, "help": "also a score for each set of capabilities that questions need together"},
    )


@frozen(kw_only=True)
class LlavaBenchOptions(Judged):
    """Options of ``llava-bench``."""

    path: Path = field(metadata={"help": "the folder with questions.jsonl, context.jsonl, answers_gpt4.jsonl, images"})
    images: Path | None = field(default=None, metadata={"help": f"{IMAGES}; 'images' in the path where left out"})
    rules: Path | None = field(
        default=None, metadata={**SCORES, "help": "LLaVA's rule.json; the one in the path where left out"}
    )
    system: str = field(default="", metadata={**SCORES, "help": "what the judge is told first, as a system turn"})
    unparsed: Literal["leave-out", "as-published"] = _unparsed("counts -1 for both")


@frozen(kw_only=True)
class HallusionOptions:
    """Options of ``hallusion-bench``. With neither ``judge`` nor ``reviews`` the first word is read."""

    path: Path = field(metadata={"help": "the folder with HallusionBench.json, hallusion_bench and utils.py"})
    judge: Mapping[str, Any] | None = field(default=None, metadata=JUDGE)
    judge_name: str = field(default="", metadata={**SCORES, "help": JUDGE_NAME})
    reviews: Path | None = field(default=None, metadata={**SCORES, "help": REVIEWS})
    template: Path | None = field(
        default=None,
        metadata={**SCORES, "help": "the judge's prompt with {question}, {reference}, {answer}; or utils.py's"},
    )
    unparsed: Literal["leave-out", "as-published"] = _unparsed("counts as unclear")

    def __attrs_post_init__(self) -> None:
        """Ask for the name of a judge, where there is one."""
        if self.judge is not None or self.reviews is not None:
            one_judge(self.judge, self.reviews, self.judge_name)


@frozen(kw_only=True)
class MtBenchOptions(Judged):
    """Options of ``mt-bench``."""

    path: Path = field(metadata={"help": "FastChat's fastchat/llm_judge/data: mt_bench and judge_prompts.jsonl"})
    irrelevant_images: Path | None = field(
        default=None, metadata={"help": "a folder of images, one of which is shown with each question; none: text only"}
    )
    seed: int = field(default=0, metadata={"help": "which image is shown with which question"})


@frozen(kw_only=True)
class AlpacaEvalOptions(Judged):
    """Options of ``alpaca-eval``."""

    path: Path = field(
        metadata={"help": "the folder with alpaca_eval.json, the reference answers, and alpaca_eval.txt"}
    )
    template: Path | None = field(
        default=None,
        metadata={
            **SCORES,
            "help": "the judge's prompt with {instruction}, {output_1}, {output_2}; or the one in path",
        },
    )
    irrelevant_images: Path | None = field(
        default=None, metadata={"help": "a folder of images, one of which is shown with each question; none: text only"}
    )
    seed: int = field(default=0, metadata={"help": "which image is shown, and which answer the judge is shown first"})


@frozen(kw_only=True)
class LmmsEvalOptions:
    """Options of ``lmms-eval``."""

    task: str = field(validator=min_len(1), metadata={"help": "the task's name in lmms-eval, such as mme or mmmu_val"})
    include: Path | None = field(default=None, metadata={"help": "a folder of tasks of your own"})
    limit: int | None = field(default=None, metadata={"help": "the first so many items only; all where left out"})


def judged_inputs(options: Any) -> Sequence[Path]:  # noqa: ANN401 - options of any benchmark here
    """Return every file and folder that the options name."""
    names = ("path", "images", "template", "rules", "reviews", "irrelevant_images", "include")
    return [path for name in names if (path := getattr(options, name, None)) is not None]
