"""Reads a recipe: the file, the settings on the command line, and what its tables come to."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from attrs import field, frozen
from attrs.validators import ge

from pairsmith.errors import ComponentNotFoundError, RecipeError
from pairsmith.hygiene import HygieneOptions
from pairsmith.interfaces import Kind, Run
from pairsmith.options import Fault, plain, read_all
from pairsmith.registry import Offer, Registry

SCHEMA = 1
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
_PLAIN = ("schema", "summary", "requires", "seed", "part_size", "on_bad_image", "max_failures", "evaluate")
_TABLES = (*_PLAIN, *_SINGLE, *_SEVERAL, "hygiene", "corruptions", "control", "stages")


@frozen(kw_only=True)
class Document:
    """A recipe as it is written. In Python, ``use`` may be an object instead of a component's name."""

    name: str
    tables: Mapping[str, Any]
    path: Path | None = None


@frozen(kw_only=True)
class Use:
    """A table of a recipe: which component it names, with which options; or the object it holds."""

    kind: Kind
    where: str
    offer: Offer | None
    options: Any = None
    given: Any = None

    @property
    def name(self) -> str:
        """The component's name."""
        return self.offer.component.name if self.offer else type(self.given).__name__.lower()

    def build(self, run: Run) -> Any:  # noqa: ANN401 - each kind has its own protocol
        """Make the component."""
        return self.offer.component.build(self.options, run) if self.offer else self.given

    def key(self) -> dict[str, Any]:
        """Return what the component's results depend on: name, behaviour revision and options, not the version."""
        if self.offer is None:
            kind = type(self.given)
            return {
                "component": f"{kind.__module__}.{kind.__qualname__}",
                "revision": getattr(self.given, "revision", 1),
                "options": None,
            }
        return {
            "component": self.offer.full_name,
            "revision": self.offer.component.revision,
            "options": plain(self.options),
        }

    def input_paths(self) -> Sequence[Path]:
        """Return the user's files that the component reads."""
        return self.offer.component.input_paths(self.options) if self.offer else ()


@frozen(kw_only=True)
class Training:
    """One training of a recipe."""

    name: str
    pairs: Use
    loss: Use
    train: Use


@frozen(kw_only=True)
class _Plain:
    """What a recipe says outside its tables."""

    schema: int
    summary: str = ""
    requires: tuple[str, ...] = ()
    seed: int = 0
    part_size: int = field(default=256)
    on_bad_image: Literal["skip", "stop"] = "skip"
    max_failures: int = field(default=0, validator=ge(0))
    evaluate: tuple[Literal["base", "trained", "control"], ...] = ()

    @part_size.validator
    def _check(self, _: object, value: int) -> None:
        if value < 1:
            msg = f"must be at least 1: {value}"
            raise ValueError(msg)


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
    model: Use | None
    images: Use
    image_check: Use
    image_judges: tuple[Use, ...]
    responses: tuple[Use, ...]
    claims: Use | None
    judges: tuple[Use, ...]
    pairs: Use | None
    hygiene: HygieneOptions
    corruptions: Mapping[str, Use]
    trainings: tuple[Training, ...]
    control: Use | None
    benchmarks: tuple[Use, ...]
    evaluation: Use | None
    engine: Use | None
    reports: tuple[Use, ...]

    def uses(self) -> Iterator[Use]:
        """Yield every component of the recipe, each once."""
        single = (self.model, self.images, self.image_check, self.claims, self.pairs, self.control)
        several = (*self.image_judges, *self.responses, *self.judges, *self.corruptions.values())
        trainings = (use for training in self.trainings for use in (training.pairs, training.loss, training.train))
        rest = (*self.benchmarks, self.evaluation, self.engine, *self.reports)
        seen = set()
        for use in (*single, *several, *trainings, *rest):
            if use is not None and use.where not in seen:
                seen.add(use.where)
                yield use

    def hygiene_key(self) -> Any:  # noqa: ANN401 - JSON
        """Return what the filters depend on."""
        return plain(self.hygiene)


# Reading the file ----------------------------------------------------------------------------------------------------


def load(source: str | Path, settings: Sequence[str] = (), registry: Registry | None = None) -> Document:
    """Read a recipe from a file, or a packaged one by its name, and apply ``table.key=value`` settings.

    Raises :class:`RecipeError` that names file, line and what to do.
    """
    path = Path(source)
    if not path.is_file():
        packaged = (registry or Registry.discover()).recipes()
        if str(source) not in packaged:
            raise RecipeError(_no_recipe(str(source), packaged))
        path = packaged[str(source)]
    tables = _parse(path)
    for setting in settings:
        _apply(tables, setting)
    return Document(name=path.stem, tables=tables, path=path)


def _no_recipe(name: str, packaged: Mapping[str, Path]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, packaged, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return f"{name!r} is neither a file nor a packaged recipe{hint} 'pairsmith recipes' lists them"


def _parse(path: Path) -> dict[str, Any]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{path}: is not UTF-8 (byte {error.start}); save it as UTF-8"
        raise RecipeError(msg) from None
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror}"
        raise RecipeError(msg) from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"{path}: is not valid TOML: {error}"
        raise RecipeError(msg) from None


def _apply(tables: dict[str, Any], setting: str) -> None:
    """Set one option: the value is TOML, or a bare word or path."""
    place, equals, text = setting.partition("=")
    if not equals or not place.strip():
        msg = f"--set {setting!r} must look like table.key=value"
        raise RecipeError(msg)
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text
    *path, last = _steps(place.strip(), setting)
    here: Any = tables
    for step in path:
        here = _descend(here, step, setting)
    if isinstance(here, list) or isinstance(last, int):
        msg = f"--set {setting!r}: {place!r} names an entry of an array, not an option of it"
        raise RecipeError(msg)
    here[last] = value


def _steps(place: str, setting: str) -> list[str | int]:
    steps: list[str | int] = []
    for word in place.split("."):
        name, *indices = word.replace("]", "").split("[")
        if not name or not all(index.isdigit() for index in indices):
            msg = f"--set {setting!r}: {place!r} is no place in a recipe; write table.key or table[0].key"
            raise RecipeError(msg)
        steps += [name, *map(int, indices)]
    return steps


def _descend(here: Any, step: str | int, setting: str) -> Any:  # noqa: ANN401 - TOML
    if isinstance(step, int):
        if not isinstance(here, list) or step >= len(here):
            there = f"only {len(here)} there" if isinstance(here, list) else "no array there"
            msg = f"--set {setting!r}: no entry [{step}]; {there}"
            raise RecipeError(msg)
        return here[step]
    if not isinstance(here, dict):
        msg = f"--set {setting!r}: {step!r} is in no table; an entry of several is written table[0].key"
        raise RecipeError(msg)
    below = here.setdefault(step, {})
    if not isinstance(below, dict | list):
        msg = f"--set {setting!r}: {step!r} is {below!r}, not a table"
        raise RecipeError(msg)
    return below


# Resolving its tables ------------------------------------------------------------------------------------------------


def resolve(document: Document, registry: Registry) -> Recipe:
    """Look every component up and read every option; all faults of all tables are one :class:`RecipeError`."""
    reader = _Reader(document, registry)
    recipe = reader.recipe()
    if recipe is None:
        place = document.path or document.name
        msg = f"recipe {place} does not fit:\n" + "\n".join(f"  {fault}" for fault in reader.faults)
        raise RecipeError(msg)
    return recipe


class _Reader:
    """Collects faults while it reads, so that a person sees them all at once."""

    def __init__(self, document: Document, registry: Registry) -> None:
        self.document, self.registry = document, registry
        self.tables = document.tables
        self.faults: list[Fault] = []
        self.requires: tuple[str, ...] = ()

    def recipe(self) -> Recipe | None:
        self._unknown_tables()
        outside = {name: value for name, value in self.tables.items() if name in _PLAIN}
        said, faults = read_all(outside, _Plain, "")
        self.faults += [Fault(fault.where.removeprefix("."), fault.what) for fault in faults]
        if said is not None and said.schema != SCHEMA:
            self.faults.append(
                Fault("schema", f"is {said.schema}, and this pairsmith reads {SCHEMA}; update one of them")
            )
        self.requires = said.requires if said else ()
        single = {name: self._use(name, kind, name) for name, kind in _SINGLE.items() if name in self.tables}
        several = {name: self._uses(name, kind) for name, kind in _SEVERAL.items()}
        hygiene, faults = read_all(self._table("hygiene"), HygieneOptions, "hygiene")
        self.faults += faults
        corruptions = self._corruptions()
        trainings = self._trainings(single)
        control = self._control()
        check = single.get("image_check") or self._default_check()
        self._missing(single, several, trainings)
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
            hygiene=hygiene,
            corruptions=corruptions,
            trainings=trainings,
            control=control,
            image_check=check,
            images=images,
            model=single.get("model"),
            claims=single.get("claims"),
            pairs=single.get("pairs"),
            evaluation=single.get("evaluation"),
            engine=single.get("engine"),
            image_judges=several["image_judges"],
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

    def _use(self, table: Any, kind: Kind, where: str) -> Use | None:  # noqa: ANN401 - a table or its name
        table = self.tables[table] if isinstance(table, str) else table
        if not isinstance(table, Mapping):
            self.faults.append(Fault(where, f"expected a table, got {table!r}"))
            return None
        name = table.get("use")
        if name is None:
            there = (
                ", ".join(offer.component.name for offer in self.registry.offers(kind)) or "nothing that is installed"
            )
            self.faults.append(Fault(where, f'needs a line use = "NAME"; it can be {there}'))
            return None
        if not isinstance(name, str):
            return Use(kind=kind, where=where, offer=None, given=name)
        try:
            offer = self.registry.find(kind, name, self.requires)
        except ComponentNotFoundError as error:
            self.faults.append(Fault(f"{where}.use", str(error)))
            return None
        written = {key: value for key, value in table.items() if key != "use"}
        options, faults = read_all(written, offer.component.options, where)
        self.faults += faults
        return None if faults else Use(kind=kind, where=where, offer=offer, options=options)

    def _uses(self, name: str, kind: Kind) -> tuple[Use, ...]:
        entries = self.tables.get(name, [])
        if isinstance(entries, Mapping):
            used = [self._use(entries, kind, name)]
        elif isinstance(entries, list | tuple):
            used = [self._use(entry, kind, f"{name}[{n}]") for n, entry in enumerate(entries)]
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
            use = self._use(table, "corruptions", f"corruptions.{axis}")
            if use is not None:
                found[axis] = use
        return found

    def _control(self) -> Use | None:
        table = self._table("control")
        if not table:
            return None
        if set(table) != {"pairs"}:
            self.faults.append(Fault("control", "holds one table, [control.pairs], that names the control's selector"))
            return None
        return self._use(table["pairs"], "pair_selectors", "control.pairs")

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
                uses[name] = self._use(stage[name], kind, f"{where}.{name}")
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
        return Training(name=str(own), pairs=pairs, loss=loss, train=train)

    def _default_check(self) -> Use | None:
        """Bound and check images unless a recipe says otherwise."""
        return self._use({"use": "pillow"}, "image_checks", "image_check")

    def _missing(
        self, single: Mapping[str, Use | None], several: Mapping[str, Sequence[Use]], trainings: Sequence[Training]
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
        if "control" in self.tables and not trainings:
            self.faults.append(Fault("control", "is there and [train] is not; a control is a second training"))


def jsonable(value: Any) -> Any:  # noqa: ANN401 - TOML, or objects in place of names
    """Return a document as JSON; an object is named by its class."""
    if isinstance(value, Mapping):
        return {str(name): jsonable(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(one) for one in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Path):
        return str(value)
    return f"{type(value).__module__}.{type(value).__qualname__}"
