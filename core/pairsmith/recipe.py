"""What the tables of a recipe come to: components with their options, or every fault at once."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve, fields, frozen

from pairsmith.during import DuringOptions
from pairsmith.errors import ComponentNotFoundError, RecipeError, in_short
from pairsmith.fitting import unfit
from pairsmith.hygiene import HygieneOptions
from pairsmith.interfaces import Kind
from pairsmith.keeping import KeepOptions
from pairsmith.options import Fault, jsonable, plain, read_all
from pairsmith.outside import Plain, RoundsOptions
from pairsmith.reading import Document, load
from pairsmith.reference import ReferenceOptions
from pairsmith.registry import Offer, Registry, absent, install
from pairsmith.use import Use

__all__ = ["Document", "Recipe", "Training", "Use", "jsonable", "load", "reporters", "resolve"]

SCHEMA = 1
COMPONENT, BESIDES = "component", "besides"
"""An option with the first in its metadata is a table that names a component of that kind, or several such tables. They are
read here with all the others; the second names the keys of such a table that are not the component's."""
DEFAULT_CHECK = "pillow"
DEFAULT_REPORT = "html"
_SINGLE: dict[str, Kind] = {
    "model": "model_families",
    "images": "image_sources",
    "image_check": "image_checks",
    "claims": "decomposers",
    "pairs": "pair_selectors",
    "loss": "losses",
    "train": "trainers",
    "evaluation": "generators",
    "engine": "engines",
}
_SEVERAL: dict[str, Kind] = {
    "image_judges": "image_judges",
    "responses": "generators",
    "judges": "judges",
    "benchmarks": "benchmarks",
    "reports": "reporters",
}
_PLAIN = tuple(attribute.name for attribute in fields(Plain))
_TABLES = (*_PLAIN, *_SINGLE, *_SEVERAL, "hygiene", "corruptions", "control", "stages")


@frozen(kw_only=True)
class Training:
    """One training of a recipe, in one of its rounds."""

    name: str
    pairs: Use
    loss: Use
    train: Use
    round: int = 1


@frozen(kw_only=True)
class Recipe:
    """A recipe whose every name and option is known to be right."""

    name: str
    document: Mapping[str, Any]
    summary: str
    requires: tuple[str, ...]
    seed: int
    part_size: int
    on_bad_image: str
    max_failures: int
    evaluate: tuple[str, ...]
    rounds: RoundsOptions
    model: Use | None
    images: Use
    image_check: Use
    image_judges: tuple[Use, ...]
    image_keep: KeepOptions
    responses: tuple[Use, ...]
    claims: Use | None
    judges: tuple[Use, ...]
    pairs: Use | None
    hygiene: HygieneOptions
    corruptions: Mapping[str, Use]
    trainings: tuple[Training, ...]
    during_training: DuringOptions | None
    reference: ReferenceOptions | None
    control: Use | None
    benchmarks: tuple[Use, ...]
    evaluation: Use | None
    engine: Use | None
    reports: tuple[Use, ...]

    def uses(self) -> Iterator[Use]:
        """Yield every component of the recipe, each once, and after each those that its options name."""
        single = (self.model, self.images, self.image_check, self.claims, self.pairs, self.control)
        several = (*self.image_judges, *self.responses, *self.judges, *self.corruptions.values())
        trainings = (use for training in self.trainings for use in (training.pairs, training.loss, training.train))
        rest = (*self.benchmarks, self.evaluation, self.engine, *self.reports)
        seen = set()
        for use in (*single, *several, *trainings, *rest):
            if use is not None and use.where not in seen:
                seen.add(use.where)
                yield from use.all()

    def hygiene_key(self) -> Any:  # noqa: ANN401 - JSON
        """Return what the filters depend on."""
        return plain(self.hygiene)


def resolve(document: Document, registry: Registry) -> Recipe:
    """Look every component up and read every option; all faults of all tables are one :class:`RecipeError`."""
    reader = _Reader(document, registry)
    recipe = reader.recipe()
    if recipe is None:
        place = document.path or document.name
        msg = f"recipe {place} does not fit:\n" + "\n".join(f"  {fault}" for fault in reader.faults)
        raise RecipeError(msg)
    return recipe


def reporters(tables: Mapping[str, Any], registry: Registry) -> tuple[Use, ...]:
    """Return the reporters that a run's recipe names, or ``html``. The rest of the recipe need not be installed any more.

    Raises :class:`RecipeError` where a reporter is not there, with the command that installs it.
    """
    if not tables.get("reports"):
        if all(offer.component.name != DEFAULT_REPORT for offer in registry.offers("reporters")):
            msg = (
                f"the recipe names no reporter, and {DEFAULT_REPORT!r} is not installed: {install('pairsmith-report')}"
            )
            raise RecipeError(msg)
        tables = {"reports": {"use": DEFAULT_REPORT}}
    reader = _Reader(Document(name="reports", tables=tables), registry)
    uses = reader.several("reports", "reporters")
    if reader.faults:
        raise RecipeError("\n".join([*map(str, reader.faults), *registry.left_out()]))
    return uses


def trained_by(tables: Mapping[str, Any], name: str, registry: Registry) -> tuple[Use, Use, Use]:
    """Return the model, the loss and the trainer of one training of a run's recipe, for the process that trains.

    Nothing else is looked up: other tables may have been objects, which that process knows by name only.
    """
    reader = _Reader(Document(name="training", tables=tables), registry)
    stages = tables.get("stages") or [{"name": "train"}]
    # A later round trains as the last of the first one does, under a name of its own.
    number = next((n for n, stage in enumerate(stages) if stage.get("name", "train") == name), len(stages) - 1)
    own = stages[number]
    uses = [
        reader.use(own[table], kind, f"stages[{number}].{table}")
        if table in own
        else reader.use(tables[table], kind, table)
        for table, kind in _SINGLE.items()
        if table in {"model", "loss", "train"}
    ]
    if reader.faults:
        raise RecipeError("\n".join([*map(str, reader.faults), *registry.left_out()]))
    model, loss, train = (use for use in uses if use is not None)
    return model, loss, train


class _Reader:
    """Collects faults while it reads, so that a person sees them all at once."""

    def __init__(self, document: Document, registry: Registry) -> None:
        self.document, self.registry = document, registry
        self.tables = document.tables
        self.faults: list[Fault] = []
        self.not_found = False

    def recipe(self) -> Recipe | None:
        self._unknown_tables()
        outside = {name: value for name, value in self.tables.items() if name in _PLAIN}
        said, faults = read_all(outside, Plain, "")
        self.faults += [Fault(fault.where.removeprefix("."), fault.what) for fault in faults]
        if said is not None and said.schema != SCHEMA:
            self.faults.append(
                Fault("schema", f"is {said.schema}, and this pairsmith reads {SCHEMA}; update one of them")
            )
        missing = absent(said.requires) if said else []
        self.faults += [Fault("requires", f"{name!r} is not installed: {install(name)}") for name in missing]
        single = {
            name: self.use(self.tables[name], kind, name) for name, kind in _SINGLE.items() if name in self.tables
        }
        several = {name: self.several(name, kind) for name, kind in _SEVERAL.items()}
        hygiene, faults = read_all(self._table("hygiene"), HygieneOptions, "hygiene")
        self.faults += faults
        corruptions = self._corruptions()
        trainings = self._trainings(single)
        trainings += _later(trainings, said.rounds.n if said else 1)
        control = self._control()
        check = single.get("image_check") or self._default_check()
        self._missing(single, several, trainings, said)
        if self.not_found:
            self.faults += [Fault("installed", line) for line in self.registry.left_out()]
        images = single.get("images")
        if self.faults or said is None or hygiene is None or images is None or check is None:
            return None
        return Recipe(
            name=self.document.name,
            document=jsonable(self.tables),
            summary=said.summary,
            requires=said.requires,
            seed=said.seed,
            part_size=said.part_size,
            on_bad_image=said.on_bad_image,
            max_failures=said.max_failures,
            evaluate=said.evaluate,
            rounds=said.rounds,
            hygiene=hygiene,
            corruptions=corruptions,
            trainings=trainings,
            during_training=said.during_training,
            reference=said.reference,
            control=control,
            image_check=check,
            images=images,
            model=single.get("model"),
            claims=single.get("claims"),
            pairs=single.get("pairs"),
            evaluation=single.get("evaluation"),
            engine=single.get("engine"),
            image_judges=several["image_judges"],
            image_keep=said.image_keep,
            responses=several["responses"],
            judges=several["judges"],
            benchmarks=several["benchmarks"],
            reports=several["reports"],
        )

    def _unknown_tables(self) -> None:
        from difflib import get_close_matches

        for name in self.tables:
            if name not in _TABLES:
                close = get_close_matches(name, _TABLES, n=1)
                hint = f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(_TABLES)}"
                self.faults.append(Fault(name, f"unknown table{hint}"))

    def _table(self, name: str) -> Mapping[str, Any]:
        table = self.tables.get(name, {})
        if not isinstance(table, Mapping):
            self.faults.append(Fault(name, f"expected a table, got {table!r}"))
            return {}
        return table

    def use(self, table: Any, kind: Kind, where: str) -> Use | None:  # noqa: ANN401 - TOML, or objects
        if not isinstance(table, Mapping):
            self.faults.append(Fault(where, f'expected a table with a line use = "NAME", got {table!r}'))
            return None
        name = table.get("use")
        if name is None:
            there = ", ".join(offer.component.name for offer in self.registry.offers(kind))
            self.faults.append(Fault(where, f'needs a line use = "NAME"; installed: {there or "none"}'))
            return None
        written = {key: value for key, value in table.items() if key != "use"}
        if not isinstance(name, str):
            faults = [Fault(f"{where}.use", what) for what in unfit(name, kind, written)]
            self.faults += faults
            return None if faults else Use(kind=kind, where=where, offer=None, given=name)
        try:
            offer = self.registry.find(kind, name)
        except ComponentNotFoundError as error:
            self.not_found = True
            self.faults.append(Fault(f"{where}.use", in_short(error)))
            return None
        options, faults = read_all(written, offer.component.options_class, where)
        self.faults += faults
        inner = tuple(self._inner(offer, written, where))
        if faults or None in inner:
            return None
        return Use(kind=kind, where=where, offer=offer, options=options, inner=tuple(filter(None, inner)))

    def _inner(self, offer: Offer, written: Mapping[str, Any], where: str) -> Iterator[Use | None]:
        """Read the tables within a table that name components."""
        for attribute in fields(offer.component.options_class):
            kind, value = attribute.metadata.get(COMPONENT), written.get(attribute.name)
            if kind is None or value is None:
                continue
            place, besides = f"{where}.{attribute.name}", attribute.metadata.get(BESIDES, ())
            several = isinstance(value, list | tuple)
            for number, table in enumerate(value if several else [value]):
                own, within = table, f"{place}[{number}]" if several else place
                if isinstance(table, Mapping):
                    own = {key: given for key, given in table.items() if key not in besides}
                    if not isinstance(own.get("use", ""), str):
                        what = f"a component within another is named, not passed as an object: {own['use']!r:.60}"
                        self.faults.append(Fault(f"{within}.use", what))
                        yield None
                        continue
                yield self.use(own, kind, within)

    def several(self, name: str, kind: Kind) -> tuple[Use, ...]:
        entries = self.tables.get(name, [])
        if isinstance(entries, Mapping):
            used = [self.use(entries, kind, name)]
        elif isinstance(entries, list | tuple):
            used = [self.use(entry, kind, f"{name}[{n}]") for n, entry in enumerate(entries)]
        else:
            self.faults.append(Fault(name, f"expected a table or several, got {entries!r}"))
            used = []
        return tuple(use for use in used if use is not None)

    def _corruptions(self) -> dict[str, Use]:
        found = {}
        for axis, table in self._table("corruptions").items():
            if axis not in {"image", "context"}:
                self.faults.append(Fault(f"corruptions.{axis}", "unknown axis; there are image, context"))
                continue
            use = self.use(table, "corruptions", f"corruptions.{axis}")
            if use is not None:
                found[axis] = use
        return found

    def _control(self) -> Use | None:
        table = self._table("control")
        if not table:
            return None
        if set(table) != {"pairs"}:
            what = f"holds one table, [control.pairs], that names the control's selector; there is {', '.join(table)}"
            self.faults.append(Fault("control", what))
            return None
        return self.use(table["pairs"], "pair_selectors", "control.pairs")

    def _trainings(self, single: Mapping[str, Use | None]) -> tuple[Training, ...]:
        stages = self.tables.get("stages", [])
        if not isinstance(stages, list | tuple):
            self.faults.append(Fault("stages", f"expected several tables [[stages]], got {stages!r}"))
            return ()
        if not stages:
            stages = [{"name": "train"}] if "train" in self.tables else []
        trainings = [self._training(stage, f"stages[{n}]", single) for n, stage in enumerate(stages)]
        names = [training.name for training in trainings if training]
        for name in sorted({name for name in names if names.count(name) > 1}):
            self.faults.append(Fault("stages", f"two stages have the name {name!r}"))
        return tuple(training for training in trainings if training)

    def _training(self, stage: Any, where: str, single: Mapping[str, Use | None]) -> Training | None:  # noqa: ANN401
        if not isinstance(stage, Mapping):
            self.faults.append(Fault(where, f"expected a table, got {stage!r}"))
            return None
        for name in stage.keys() - {"name", "pairs", "loss", "train"}:
            self.faults.append(Fault(f"{where}.{name}", "unknown key; there are name, pairs, loss, train"))
        kinds: dict[str, Kind] = {"pairs": "pair_selectors", "loss": "losses", "train": "trainers"}
        uses: dict[str, Use | None] = {}
        for name, kind in kinds.items():
            if name in stage:
                uses[name] = self.use(stage[name], kind, f"{where}.{name}")
            elif name in self.tables:
                uses[name] = single[name]
            else:
                uses[name] = None
                self.faults.append(Fault(name, f"is missing; training needs a table [{name}]"))
        own = stage.get("name", "train")
        if not isinstance(own, str) or not own.replace("-", "").isalnum():
            self.faults.append(Fault(f"{where}.name", f"expected a name of letters, digits and hyphens, got {own!r}"))
        pairs, loss, train = uses["pairs"], uses["loss"], uses["train"]
        if pairs is None or loss is None or train is None:
            return None
        for one, other in ((loss, train), (train, loss)):
            why = one.offer.refuses(other.offer, other.where) if one.offer and other.offer else None
            self.faults += [Fault(f"{one.where}.use", why)] if why else []
        return Training(name=str(own), pairs=pairs, loss=loss, train=train)

    def _default_check(self) -> Use | None:
        """Bound and check images unless a recipe says otherwise."""
        if "image_check" in self.tables:
            return None
        if all(offer.component.name != DEFAULT_CHECK for offer in self.registry.offers("image_checks")):
            self.not_found = True
            how = f"install {DEFAULT_CHECK!r}: {install('pairsmith-images')}"
            what = f'is missing; {how}; or write use = "none" where images are known to be sound'
            self.faults.append(Fault("image_check", what))
            return None
        return self.use({"use": DEFAULT_CHECK}, "image_checks", "image_check")

    def _missing(
        self,
        single: Mapping[str, Use | None],
        several: Mapping[str, Sequence[Use]],
        trainings: Sequence[Training],
        said: Plain | None,
    ) -> None:
        def need(name: str, why: str) -> None:
            if name not in self.tables:
                self.faults.append(Fault(name, f"is missing; {why}"))

        need("images", "every recipe begins with a table [images] that names where its samples come from")
        if trainings or "train" in self.tables:
            need("model", "training needs a table [model] that names a model family")
        if several["benchmarks"]:
            need("model", "[[benchmarks]] need a table [model]")
            if not several["responses"] and single.get("evaluation") is None and "evaluation" not in self.tables:
                self.faults.append(
                    Fault("evaluation", "is missing; [[benchmarks]] need a generator, from it or [responses]")
                )
        if said is not None and said.rounds.n > 1:
            need("train", "[rounds] train again on what the model of the round before answers")
            need("responses", "in [rounds] the model of the round before answers, through a generator")
        models = {"base"} | ({"trained"} if "train" in self.tables or trainings else set())
        models |= {"control", "rounds"} & self.tables.keys()
        for name in said.evaluate if said else ():
            if name not in models:
                self.faults.append(Fault("evaluate", f"names {name!r}, and the recipe makes no such model"))
        if "control" in self.tables and not trainings:
            self.faults.append(Fault("control", "is there and [train] is not; a control is a second training"))


def _later(trainings: Sequence[Training], rounds: int) -> tuple[Training, ...]:
    """Return the trainings of the rounds after the first: its last one again. Those before it lay ground, once."""
    last = trainings[-1:]
    return tuple(
        evolve(one, name=f"round-{number}" if one.name == "train" else f"round-{number}-{one.name}", round=number)
        for number in range(2, rounds + 1)
        for one in last
    )
