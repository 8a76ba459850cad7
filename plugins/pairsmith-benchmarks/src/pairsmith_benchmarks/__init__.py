"""Benchmarks of the field: POPE, CHAIR, AMBER, captions and others, each with the source of its formula."""

from collections.abc import Iterator

from pairsmith import Component, hookimpl


@hookimpl
def pairsmith_benchmarks() -> Iterator[Component]:
    """Offer the benchmarks."""
    yield Component(
        name="pope",
        factory="pairsmith_benchmarks.pope:Pope",
        options="pairsmith_benchmarks.options:PopeOptions",
        inputs="pairsmith_benchmarks.options:pope_inputs",
        summary="POPE: is there such an object in the image? Published questions, or built from any objects.",
    )
    yield Component(
        name="chair",
        factory="pairsmith_benchmarks.chair:Chair",
        options="pairsmith_benchmarks.options:ChairOptions",
        inputs="pairsmith_benchmarks.options:chair_inputs",
        summary="CHAIR: objects that captions of COCO images make up, by string matching.",
    )
    yield Component(
        name="amber-generative",
        factory="pairsmith_benchmarks.amber_generative:AmberGenerative",
        options="pairsmith_benchmarks.options:AmberGenerativeOptions",
        inputs="pairsmith_benchmarks.options:amber_inputs",
        summary="AMBER's descriptions: CHAIR, Cover, Hal and Cog.",
    )
    yield Component(
        name="amber-discriminative",
        factory="pairsmith_benchmarks.amber_discriminative:AmberDiscriminative",
        options="pairsmith_benchmarks.options:AmberDiscriminativeOptions",
        inputs="pairsmith_benchmarks.options:amber_inputs",
        summary="AMBER's yes or no questions about existence, attributes and relations.",
    )
    yield Component(
        name="captions",
        factory="pairsmith_benchmarks.captions:Captions",
        options="pairsmith_benchmarks.options:CaptionsOptions",
        inputs="pairsmith_benchmarks.options:captions_inputs",
        summary="Captions or alt-text against references: BLEU, METEOR, ROUGE-L, CIDEr, CIDEr-D, edit distance.",
    )
    yield Component(
        name="object-halbench",
        factory="pairsmith_benchmarks.halbench:ObjectHalbench",
        options="pairsmith_benchmarks.options:HalbenchOptions",
        revision=2,
        inputs="pairsmith_benchmarks.options:halbench_inputs",
        summary="Object HalBench: objects that descriptions make up, listed by a language model that you name.",
    )
    yield Component(
        name="mmhal-bench",
        factory="pairsmith_benchmarks.mmhal:MmhalBench",
        options="pairsmith_benchmarks.options:MmhalOptions",
        revision=2,
        inputs="pairsmith_benchmarks.options:mmhal_inputs",
        summary="MMHal-Bench: 96 answers rated by a language model that you name.",
    )
    yield from _judged()


def _judged() -> Iterator[Component]:
    options, inputs = "pairsmith_benchmarks.judged_options", "pairsmith_benchmarks.judged_options:judged_inputs"
    yield Component(
        name="mm-vet",
        factory="pairsmith_benchmarks.mmvet:MmVet",
        options=f"{options}:MmvetOptions",
        revision=2,
        inputs=inputs,
        summary="MM-Vet: 218 open questions graded by a language model that you name.",
    )
    yield Component(
        name="llava-bench",
        factory="pairsmith_benchmarks.llava_bench:LlavaBench",
        options=f"{options}:LlavaBenchOptions",
        revision=2,
        inputs=inputs,
        summary="LLaVA-Bench (in the wild): 60 answers scored against GPT-4's by a language model that you name.",
    )
    yield Component(
        name="hallusion-bench",
        factory="pairsmith_benchmarks.hallusion:HallusionBench",
        options=f"{options}:HallusionOptions",
        revision=2,
        inputs=inputs,
        summary="HallusionBench: yes or no about images and edited copies; aAcc, qAcc, fAcc.",
    )
    yield Component(
        name="mt-bench",
        factory="pairsmith_benchmarks.mt_bench:MtBench",
        options=f"{options}:MtBenchOptions",
        revision=2,
        inputs=inputs,
        summary="MT-Bench: 80 questions of two turns rated by a language model that you name; text ability.",
    )
    yield Component(
        name="alpaca-eval",
        factory="pairsmith_benchmarks.alpaca_eval:AlpacaEval",
        options=f"{options}:AlpacaEvalOptions",
        revision=2,
        inputs=inputs,
        summary="AlpacaEval 1: win rate against a reference by a language model that you name; text ability.",
    )
    yield Component(
        name="lmms-eval",
        factory="pairsmith_benchmarks.lmms:LmmsEval",
        options=f"{options}:LmmsEvalOptions",
        inputs=inputs,
        summary="A task of lmms-eval, such as MME, MMBench, ScienceQA, SEED, TextVQA or MMMU, where that is installed.",
    )
