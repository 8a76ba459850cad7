"""The hooks a plugin may implement. This file is the whole plugin surface.

Every hook takes no argument and yields descriptions of what the plugin offers; each is called when a command first asks
for that kind, and every plugin's offers are collected. A plugin's module must import no model library: what does the
work is named as text and imported when a recipe uses it.
"""

from collections.abc import Iterable

import pluggy
from attrs import field, frozen
from attrs.validators import matches_re

from pairsmith.component import Component

hookspec = pluggy.HookspecMarker("pairsmith")


@frozen(kw_only=True)
class RecipeDirectory:
    """A directory of recipes inside an installed package."""

    package: str
    path: str = "."


@frozen(kw_only=True)
class ModelDirectory:
    """A model directory inside an installed package, which ``[model] path`` may call by its name."""

    name: str = field(validator=matches_re(r"[a-z][a-z0-9]*(-[a-z0-9]+)*"))
    package: str
    path: str


@hookspec
def pairsmith_image_sources() -> Iterable[Component]:
    """Offer image sources: components that yield samples: images with a prompt.

    The factory returns a :class:`pairsmith.interfaces.ImageSource`. A complete plugin::

        from attrs import field, frozen

        from pairsmith import Component, hookimpl


        @frozen(kw_only=True)
        class FolderOptions:
            strength: float = field(default=1.0, metadata={"help": "how much of it, from 0 to 1"})


        @hookimpl
        def pairsmith_image_sources():
            yield Component(
                name="folder",
                factory="my_plugin.folder:Folder",
                options=FolderOptions,
                summary="Images of a folder.",
            )

    .. versionadded:: 0.1
    """
    return ()


@hookspec
def pairsmith_image_checks() -> Iterable[Component]:
    """Offer image checks: components that look at an image file before it enters a run.

    The factory returns a :class:`pairsmith.interfaces.ImageCheck`. A complete plugin::

        from attrs import field, frozen

        from pairsmith import Component, hookimpl


        @frozen(kw_only=True)
        class CheckOptions:
            strength: float = field(default=1.0, metadata={"help": "how much of it, from 0 to 1"})


        @hookimpl
        def pairsmith_image_checks():
            yield Component(
                name="pillow",
                factory="my_plugin.pillow:Check",
                options=CheckOptions,
                summary="Bounds an image's size before decoding it.",
            )

    .. versionadded:: 0.1
    """
    return ()


@hookspec
def pairsmith_image_judges() -> Iterable[Component]:
    """Offer image judges: components that score the candidate images of a prompt.

    The factory returns a :class:`pairsmith.interfaces.ImageJudge`. A complete plugin::

        from attrs import field, frozen

        from pairsmith import Component, hookimpl


        @frozen(kw_only=True)
        class ClipScoreOptions:
            strength: float = field(default=1.0, metadata={"help": "how much of it, from 0 to 1"})


        @hookimpl
        def pairsmith_image_judges():
            yield Component(
                name="clip-score",
                factory="my_plugin.clip_score:ClipScore",
                options=ClipScoreOptions,
                summary="CLIP similarity of image and prompt.",
            )

    .. versionadded:: 0.1
    """
    return ()


@hookspec
def pairsmith_generators() -> Iterable[Component]:
    """Offer generators: components that answer samples.

    The factory returns a :class:`pairsmith.interfaces.Generator`. A complete plugin::

        from attrs import field, frozen

        from pairsmith import Component, hookimpl


        @frozen(kw_only=True)
        class EchoOptions:
            strength: float = field(default=1.0, metadata={"help": "how much of it, from 0 to 1"})


        @hookimpl
        def pairsmith_generators():
            yield Component(
                name="echo",
                factory="my_plugin.echo:Echo",
                options=EchoOptions,
                summary="Answers with the question.",
            )

    .. versionadded:: 0.1
    """
    return ()


@hookspec
def pairsmith_decomposers() -> Iterable[Component]:
    """Offer decomposers: components that split responses into atomic claims.

    The factory returns a :class:`pairsmith.interfaces.Decomposer`. A complete plugin::

        from attrs import field, frozen

        from pairsmith import Component, hookimpl


        @frozen(kw_only=True)
        class SentencesOptions:
            strength: float = field(default=1.0, metadata={"help": "how much of it, from 0 to 1"})


        @hookimpl
        def pairsmith_decomposers():
            yield Component(
                name="sentences",
                factory="my_plugin.sentences:Sentences",
                options=SentencesOptions,
                summary="One claim a sentence.",
            )

    .. versionadded:: 0.1
    """
    return ()


@hookspec
def pairsmith_judges() -> Iterable[Component]:
    """Offer judges: components that give verdicts on responses or on claims.

    The factory returns a :class:`pairsmith.interfaces.Judge`. A complete plugin::

        from attrs import field, frozen

        from pairsmith import Component, hookimpl


        @frozen(kw_only=True)
        class LengthOptions:
            strength: float = field(default=1.0, metadata={"help": "how much of it, from 0 to 1"})


        @hookimpl
        def pairsmith_judges():
            yield Component(
                name="length",
                factory="my_plugin.length:Length",
                options=LengthOptions,
                summary="Prefers answers of an ideal length.",
            )

    .. versionadded:: 0.1
    """
    return ()


@hookspec
def pairsmith_pair_selectors() -> Iterable[Component]:
    """Offer pair selectors: components that turn a judged sample into pairs or demonstrations.

    The factory returns a :class:`pairsmith.interfaces.PairSelector`. A complete plugin::

        from attrs import field, frozen

        from pairsmith import Component, hookimpl


        @frozen(kw_only=True)
        class FirstLastOptions:
            strength: float = field(default=1.0, metadata={"help": "how much of it, from 0 to 1"})


        @hookimpl
        def pairsmith_pair_selectors():
            yield Component(
                name="first-last",
                factory="my_plugin.first_last:FirstLast",
                options=FirstLastOptions,
                summary="The first answer against the last.",
            )

    .. versionadded:: 0.1
    """
    return ()


@hookspec
def pairsmith_corruptions() -> Iterable[Component]:
    """Offer corruptions: components that make a worse image or a worse context.

    The factory returns a :class:`pairsmith.interfaces.Corruption`. A complete plugin::

        from attrs import field, frozen

        from pairsmith import Component, hookimpl


        @frozen(kw_only=True)
        class UpsideDownOptions:
            strength: float = field(default=1.0, metadata={"help": "how much of it, from 0 to 1"})


        @hookimpl
        def pairsmith_corruptions():
            yield Component(
                name="upside-down",
                factory="my_plugin.upside_down:UpsideDown",
                options=UpsideDownOptions,
                summary="Turns the image by half a circle.",
            )

    .. versionadded:: 0.1
    """
    return ()


@hookspec
def pairsmith_losses() -> Iterable[Component]:
    """Offer losses: components that map log-probabilities to a loss.

    The factory returns a :class:`pairsmith.interfaces.Loss`. A complete plugin::

        from attrs import field, frozen

        from pairsmith import Component, hookimpl


        @frozen(kw_only=True)
        class SlicOptions:
            strength: float = field(default=1.0, metadata={"help": "how much of it, from 0 to 1"})


        @hookimpl
        def pairsmith_losses():
            yield Component(
                name="slic",
                factory="my_plugin.slic:Slic",
                options=SlicOptions,
                summary="Sequence likelihood calibration (arXiv 2305.10425).",
            )

    .. versionadded:: 0.1
    """
    return ()


@hookspec
def pairsmith_model_families() -> Iterable[Component]:
    """Offer model families: components that know everything that differs between base models.

    The factory returns a :class:`pairsmith.interfaces.ModelFamily`. A complete plugin::

        from attrs import field, frozen

        from pairsmith import Component, hookimpl


        @frozen(kw_only=True)
        class MyFamilyOptions:
            strength: float = field(default=1.0, metadata={"help": "how much of it, from 0 to 1"})


        @hookimpl
        def pairsmith_model_families():
            yield Component(
                name="my-vlm",
                factory="my_plugin.my_vlm:MyFamily",
                options=MyFamilyOptions,
                summary="The My-VLM models.",
            )

    .. versionadded:: 0.1
    """
    return ()


@hookspec
def pairsmith_trainers() -> Iterable[Component]:
    """Offer trainers: components that train a model on items with a loss.

    The factory returns a :class:`pairsmith.interfaces.Trainer`. A complete plugin::

        from attrs import field, frozen

        from pairsmith import Component, hookimpl


        @frozen(kw_only=True)
        class MyTrainerOptions:
            strength: float = field(default=1.0, metadata={"help": "how much of it, from 0 to 1"})


        @hookimpl
        def pairsmith_trainers():
            yield Component(
                name="mine",
                factory="my_plugin.mine:MyTrainer",
                options=MyTrainerOptions,
                summary="A training loop of its own.",
            )

    .. versionadded:: 0.1
    """
    return ()


@hookspec
def pairsmith_benchmarks() -> Iterable[Component]:
    """Offer benchmarks: components that hold samples and score the answers to them.

    The factory returns a :class:`pairsmith.interfaces.Benchmark`. A complete plugin::

        from attrs import field, frozen

        from pairsmith import Component, hookimpl


        @frozen(kw_only=True)
        class MyBenchOptions:
            strength: float = field(default=1.0, metadata={"help": "how much of it, from 0 to 1"})


        @hookimpl
        def pairsmith_benchmarks():
            yield Component(
                name="my-bench",
                factory="my_plugin.my_bench:MyBench",
                options=MyBenchOptions,
                summary="Ten hard questions.",
            )

    .. versionadded:: 0.1
    """
    return ()


@hookspec
def pairsmith_engines() -> Iterable[Component]:
    """Offer engines: components that run the parts of a stage.

    The factory returns a :class:`pairsmith.interfaces.Engine`. A complete plugin::

        from attrs import field, frozen

        from pairsmith import Component, hookimpl


        @frozen(kw_only=True)
        class ThreadsOptions:
            strength: float = field(default=1.0, metadata={"help": "how much of it, from 0 to 1"})


        @hookimpl
        def pairsmith_engines():
            yield Component(
                name="threads",
                factory="my_plugin.threads:Threads",
                options=ThreadsOptions,
                summary="Runs parts in threads.",
            )

    .. versionadded:: 0.1
    """
    return ()


@hookspec
def pairsmith_exporters() -> Iterable[Component]:
    """Offer exporters: components that write the pairs of a run in another tool's format.

    The factory returns a :class:`pairsmith.interfaces.Exporter`. A complete plugin::

        from attrs import field, frozen

        from pairsmith import Component, hookimpl


        @frozen(kw_only=True)
        class CsvOptions:
            strength: float = field(default=1.0, metadata={"help": "how much of it, from 0 to 1"})


        @hookimpl
        def pairsmith_exporters():
            yield Component(
                name="csv",
                factory="my_plugin.csv:Csv",
                options=CsvOptions,
                summary="Pairs as a table.",
            )

    .. versionadded:: 0.1
    """
    return ()


@hookspec
def pairsmith_reporters() -> Iterable[Component]:
    """Offer reporters: components that make a page, a card or a table from a run.

    The factory returns a :class:`pairsmith.interfaces.Reporter`. A complete plugin::

        from attrs import field, frozen

        from pairsmith import Component, hookimpl


        @frozen(kw_only=True)
        class TextOptions:
            strength: float = field(default=1.0, metadata={"help": "how much of it, from 0 to 1"})


        @hookimpl
        def pairsmith_reporters():
            yield Component(
                name="text",
                factory="my_plugin.text:Text",
                options=TextOptions,
                summary="A plain-text summary.",
            )

    .. versionadded:: 0.1
    """
    return ()


@hookspec
def pairsmith_recipe_dirs() -> Iterable[RecipeDirectory]:
    """Offer recipes: directories of TOML files, each known by its name without the ending.

    A complete plugin::

        from pairsmith import hookimpl
        from pairsmith.hookspecs import RecipeDirectory


        @hookimpl
        def pairsmith_recipe_dirs():
            yield RecipeDirectory(package="my_recipes")

    .. versionadded:: 0.1
    """
    return ()


@hookspec
def pairsmith_model_dirs() -> Iterable[ModelDirectory]:
    """Offer models that are small enough to ship in a package.

    A complete plugin::

        from pairsmith import hookimpl
        from pairsmith.hookspecs import ModelDirectory


        @hookimpl
        def pairsmith_model_dirs():
            yield ModelDirectory(name="my-tiny-vlm", package="my_plugin", path="weights")

    .. versionadded:: 0.1
    """
    return ()
