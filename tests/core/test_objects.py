"""Objects passed in Python: what tells one from another, and what the process that trains makes of them."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import define, field

from doubles import Loss, Selector, Source
from pairsmith.errors import RecipeError, StageError
from pairsmith.images import DirectoryImageStore
from pairsmith.interfaces import Run
from pairsmith.objects import UntoldError, check, spelled, told
from pairsmith.recipe import Document, resolve, trained_by
from pairsmith.registry import Registry
from pairsmith.training import _check_alone
from test_pipeline import go, stage, tables


@define
class Attrs:
    threshold: float
    folder: Path = Path("a")
    seen: list[str] = field(factory=list, init=False)


@dataclass
class Data:
    inner: Attrs
    names: tuple[str, ...] = ("a", "b")


class Plain:
    def __init__(self, threshold: float, *bad: int, run: Run | None = None) -> None:
        self._threshold, self.bad, self.run = threshold, bad, run
        self._calls = 0


class Says(Plain):
    def __init__(self, options: Any) -> None:
        self.options = options
        self.model = object()


def nothing() -> None:
    """A function with a name."""


def test_an_object_is_told_by_what_it_was_made_with(tmp_path: Path) -> None:
    run = Run(directory=tmp_path, images=DirectoryImageStore(tmp_path))
    assert told(Attrs(0.5)) == {"threshold": 0.5, "folder": "a"}
    assert told(Data(Attrs(0.5))) == {
        "inner": {"class": f"{__name__}.Attrs", "options": {"threshold": 0.5, "folder": "a"}},
        "names": ["a", "b"],
    }
    assert told(Plain(0.5, 1, 2, run=run)) == {"threshold": 0.5, "bad": [1, 2], "run": None}
    assert told(Says({"a": nothing, "b": {2, 1}})) == {"a": f"{__name__}.nothing", "b": [1, 2]}
    assert told(Says(None)) is None
    assert told(Loss()) is None
    assert spelled(Plain(0.5)) == f"{__name__}.Plain(threshold=0.5, bad=[], run=None)"
    assert spelled(Loss()) == "doubles.Loss"


class Forgets:
    def __init__(self, threshold: float) -> None:
        self.limit = threshold


@pytest.mark.parametrize(("given", "said"), [
    (Forgets(0.5), "its argument 'threshold' is kept under no attribute of that name"),
    (Plain(object()), "its 'threshold' is a object, which no key can be made of"),
    (Plain(lambda: 1), "its 'threshold' is a function without a name of its own"),
    (Data(object()), "its 'inner' is a object, which no key can be made of"),
])  # fmt: skip
def test_one_that_cannot_be_told_from_another_says_why(given: object, said: str) -> None:
    with pytest.raises(UntoldError, match=said):
        told(given)


def test_one_that_holds_itself_is_refused_and_not_followed_for_ever() -> None:
    ring: Any = Says(None)
    ring.options = {"again": ring}
    with pytest.raises(UntoldError, match="its 'options' holds itself, or more than 16 things within one another"):
        told(ring)
    listed: list[Any] = []
    listed.append(listed)
    mapped: dict[str, Any] = {}
    mapped["again"] = mapped
    for held in (listed, mapped):
        with pytest.raises(UntoldError, match="its 'threshold' holds itself"):
            told(Plain(held))  # type: ignore[arg-type]


class Silent:
    def __init__(self) -> None:
        self.threshold = 0.5


class Slotted:
    __slots__ = ("threshold",)


class Lazily:
    """Keeps what it made to itself."""

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self._model = object()

    @cached_property
    def expensive(self) -> object:
        return object()


def later(given: Any, name: str = "threshold") -> Any:
    """Set an attribute after the object was made."""
    setattr(given, name, 0.5)
    return given


@pytest.mark.parametrize(("given", "name"), [
    (Silent(), "threshold"),
    (later(Loss()), "threshold"),
    (later(Slotted()), "threshold"),
    (later(Plain(1), "limit"), "limit"),
    (later(Data(Attrs(1)), "limit"), "limit"),
    (Data(later(Data(Attrs(1)), "limit")), "limit"),  # type: ignore[arg-type]
])  # fmt: skip
def test_what_was_set_beside_the_constructors_arguments_is_refused(given: Any, name: str) -> None:
    with pytest.raises(UntoldError, match=f"its attribute '{name}' is no argument of its constructor"):
        check(given)


def test_what_an_object_keeps_to_itself_is_not_asked_for() -> None:
    lazily = Lazily(0.5)
    assert lazily.expensive
    for given in (lazily, Attrs(0.5), Data(Attrs(0.5)), Says(None), later(Loss(), "revision"), later(Loss(), "_cache")):
        check(given)


class Judge(Plain):
    """Says of every claim that it is right, and counts how often it is asked."""

    aspects = None
    asked = 0

    def judge(self, cases: Any) -> Any:
        from pairsmith.values import Verdict

        Judge.asked += 1
        return [
            [
                Verdict(judge="sure", response_id=claim.response_id, claim_id=claim.id, score=self._threshold)
                for claim in case.claims
            ]
            for case in cases
        ]


def test_two_objects_of_one_class_share_no_stage(tmp_path: Path) -> None:
    Judge.asked = 0
    keys = []
    for number, threshold in enumerate((0.5, 0.7, 0.5)):
        used = tables(tmp_path, judges=[{"use": Judge(threshold)}])
        run = go(tmp_path, used, out=tmp_path / "runs" / str(number))
        keys.append(stage(run, "verdicts-1-judge").key())
        scores = {row["score"] for part in stage(run, "verdicts-1-judge").rows() for row in part["verdicts"]}
        assert scores == {threshold}
    assert keys[0] == keys[2] != keys[1]
    assert Judge.asked == 2 * 3, "the third run takes over what the first has"


def test_an_object_that_cannot_be_told_from_others_is_a_fault_of_the_recipe(tmp_path: Path) -> None:
    class Sly(Forgets):
        aspects = None

        def judge(self, cases: Any) -> Any: ...

    with pytest.raises(RecipeError) as refused:
        resolve(Document(name="r", tables=tables(tmp_path, judges=[{"use": Sly(0.5)}])), Registry())
    said = "its argument 'threshold' is kept under no attribute of that name. Make it a data class, or give it an attribute"
    assert said in str(refused.value)
    assert "judges[0].use: two objects of " in str(refused.value)


def test_the_process_that_trains_looks_up_what_trains_and_nothing_else(tmp_path: Path) -> None:
    """It is given the run's JSON, in which every object passed in Python is a word."""
    registry = Registry()
    used: dict[str, Any] = tables(
        tmp_path, model={"use": "family"}, stages=[{"name": "sft", "loss": {"use": "sft"}}, {"name": "dpo"}]
    )
    used |= {"loss": {"use": Loss()}, "train": {"use": "trainer"}, "images": {"use": Source(tmp_path)}}
    document = {**used, "images": {"use": "doubles.Source"}, "pairs": {"use": "doubles.Selector"}}
    with pytest.raises(RecipeError) as refused:
        trained_by(document, "sft", registry)
    places = [line.partition(":")[0] for line in str(refused.value).splitlines()]
    assert places[:3] == ["model.use", "stages[0].loss.use", "train.use"], "the kinds that this registry has none of"
    assert not any(name in str(refused.value) for name in ("images", "pairs", "judges"))


def test_an_object_within_another_components_table_is_refused() -> None:
    table = {"use": "several", "sources": [{"use": Source(Path("x")), "name": "a"}]}
    with pytest.raises(RecipeError, match=r"images.sources\[0\].use: a component within another is named, not passed"):
        resolve(
            Document(name="r", tables={"schema": 1, "images": table, "pairs": {"use": Selector()}}), Registry.discover()
        )


def test_several_processes_cannot_share_an_object() -> None:
    alone = SimpleNamespace(launch=lambda worker: worker)
    several = SimpleNamespace(launch=lambda worker: ["torchrun", *worker])
    named: Any = SimpleNamespace(train=SimpleNamespace(offer=object(), where="train"))
    own: Any = SimpleNamespace(train=SimpleNamespace(offer=None, where="train"))
    _check_alone(named, alone)  # type: ignore[arg-type]
    _check_alone(own, several)  # type: ignore[arg-type]
    with pytest.raises(StageError, match="train: several processes cannot share the loss, trainer or model family"):
        _check_alone(named, several)  # type: ignore[arg-type]
