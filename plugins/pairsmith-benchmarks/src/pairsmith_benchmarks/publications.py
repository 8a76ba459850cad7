"""Where the files of each benchmark are published.

Sizes and licences are those that the hub's file lists and cards, and the repositories, name. What none of them says is left
out; ``tests/test_publications.py`` lists that.
"""

from collections.abc import Mapping

from attrs import evolve

from pairsmith.publication import Publication, said

_COCO_ANNOTATIONS = Publication(
    files="instances_val2014.json and captions_val2014.json in annotations_trainval2014.zip",
    address="cocodataset.org",
    size="241 MB",
    licence="CC BY 4.0",
    layout="its folder annotations as 'annotations'",
)
_COCO_IMAGES = Publication(
    files="val2014.zip of COCO 2014",
    address="cocodataset.org",
    size="6 GB",
    licence="Flickr's terms of use, and each image's own licence",
    layout="its folder val2014 as 'images'",
)
_AMBER = (
    Publication(
        files="the folder data",
        address="github.com/junyangwang0410/AMBER",
        licence="Apache-2.0",
        layout="as 'path'",
    ),
    Publication(
        files="the 1,004 images, AMBER_1.jpg and on",
        address="the link in its README",
        layout="in a folder given as 'images'",
    ),
)
_BESIDE = "in one folder given as 'path'"

PUBLICATIONS: Mapping[str, tuple[Publication, ...]] = {
    "pope": (
        Publication(
            files="the folder output/coco",
            address="github.com/AoiDragon/POPE",
            size="9,000 questions in three .json files",
            licence="MIT",
            layout="as 'questions'",
        ),
        _COCO_IMAGES,
    ),
    "chair": (_COCO_ANNOTATIONS, _COCO_IMAGES),
    "amber-generative": _AMBER,
    "amber-discriminative": _AMBER,
    "captions": (
        evolve(
            _COCO_ANNOTATIONS,
            files="COCO's captions_val2014.json in annotations_trainval2014.zip",
            layout="as 'references', unless it is a file of your own of rows with 'image' and 'references'",
        ),
        _COCO_IMAGES,
    ),
    "object-halbench": (
        Publication(
            files="eval/data/obj_halbench_300_with_image.jsonl and eval/eval_gpt_obj_halbench.py",
            address="github.com/RLHF-V/RLAIF-V",
            size="300 questions",
            licence="code Apache-2.0, data CC BY-NC 4.0",
            layout="as 'questions' and 'template'",
        ),
        _COCO_ANNOTATIONS,
        _COCO_IMAGES,
    ),
    "mmhal-bench": (
        Publication(
            files="response_template.json, eval_gpt4.py and the images",
            address="huggingface.co/datasets/Shengcao1006/MMHal-Bench",
            size="96 questions",
            licence="Apache-2.0",
            layout=f"{_BESIDE}, the images unpacked in its folder images",
        ),
    ),
    "mm-vet": (
        Publication(
            files="mm-vet.zip (mm-vet.json and images) and mm-vet_evaluator.py",
            address="github.com/yuweihao/MM-Vet",
            size="67 MB, 218 questions",
            licence="for non-commercial research",
            layout=_BESIDE,
        ),
    ),
    "llava-bench": (
        Publication(
            files="questions.jsonl, context.jsonl, answers_gpt4.jsonl and images",
            address="huggingface.co/datasets/liuhaotian/llava-bench-in-the-wild",
            size="10 MB, 60 questions",
            licence="Apache-2.0",
            layout=_BESIDE,
        ),
        Publication(
            files="llava/eval/table/rule.json",
            address="github.com/haotian-liu/LLaVA",
            licence="Apache-2.0",
            layout="in the same folder",
        ),
    ),
    "hallusion-bench": (
        Publication(
            files="HallusionBench.json, utils.py and hallusion_bench.zip, which the README links",
            address="github.com/tianyi-lab/HallusionBench",
            licence="BSD 3-Clause",
            layout=f"{_BESIDE}, the images of the archive in its folder hallusion_bench",
        ),
    ),
    "mt-bench": (
        Publication(
            files=(
                "fastchat/llm_judge/data: mt_bench/question.jsonl, mt_bench/reference_answer/gpt-4.jsonl and "
                "judge_prompts.jsonl"
            ),
            address="github.com/lm-sys/FastChat",
            size="80 questions",
            licence="Apache-2.0",
            layout="the folder data as 'path'",
        ),
    ),
    "alpaca-eval": (
        Publication(
            files="alpaca_eval.json",
            address="huggingface.co/datasets/tatsu-lab/alpaca_eval",
            size="0.6 MB, 805 instructions",
            licence="CC BY-NC 4.0",
            layout="in the folder given as 'path'",
        ),
        Publication(
            files="src/alpaca_eval/evaluators_configs/alpaca_eval_gpt4/alpaca_eval.txt",
            address="github.com/tatsu-lab/alpaca_eval",
            licence="Apache-2.0",
            layout="in the same folder",
        ),
    ),
}


def where_to_get(benchmark: str) -> str:
    """Return where the files of a benchmark are, for the end of a message."""
    return f"download {said(*PUBLICATIONS[benchmark])}"
