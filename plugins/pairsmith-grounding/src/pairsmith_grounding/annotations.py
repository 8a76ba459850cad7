"""The judge that knows: claims against the annotations that came with a sample."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.values import Case, Claim, Verdict
from pairsmith_grounding.options import AnnotationsOptions
from pairsmith_grounding.rules import Found, Rules, judge, lacks, things
from pairsmith_grounding.truth import Thing, Truth, read


class Annotations:
    """Implements :class:`pairsmith.interfaces.Judge` with a scene graph or COCO instances in ``Sample.truth``."""

    def __init__(self, options: AnnotationsOptions, run: Run) -> None:  # noqa: ARG002 - the signature of every factory
        """Read the synonyms."""
        self.aspects: tuple[str, ...] | None = options.aspects
        self._options = options
        self._synonyms = {} if options.synonyms is None else synonyms(options.synonyms)
        self._rules = Rules(judge="annotations", near=options.near, distance=options.near_distance)

    def judge(self, cases: Sequence[Case]) -> list[list[Verdict]]:
        """Return a verdict per claim."""
        return [self._case(case) for case in cases]

    def _case(self, case: Case) -> list[Verdict]:
        if not case.claims:
            return []
        truth = read(case.sample.truth)
        if truth is None:
            there = ", ".join(map(repr, case.sample.truth)) or "nothing"
            msg = (
                f"sample {case.sample.id!r} has no 'scene_graph' and no 'instances' in its truth, which holds {there}; the "
                f"judge 'annotations' needs a source of annotated images"
            )
            raise StageError(msg)
        return [self._verdict(claim, truth) for claim in case.claims]

    def _verdict(self, claim: Claim, truth: Truth) -> Verdict:
        match claim.aspect:
            case "attribute":
                return self._attribute(claim, truth)
            case "relation":
                return self._relation(claim, truth)
        return judge(claim, lambda name: self._find(name, truth, claim.aspect), self._rules)

    def _find(self, name: str, truth: Truth, aspect: str) -> Found:
        if truth.vocabulary is not None and not self._known(name, truth.vocabulary):
            return Found(unknown=f"{name!r} is not among what is annotated")
        there = [thing for _, thing in self._named(name, truth)]
        if not there and self._options.absent == "skipped":
            return Found(unknown=f"no {name!r} is annotated")
        if aspect == "count" and any(thing.crowd for thing in there):
            return Found(unknown=f"{name!r} is annotated as a crowd, which has no number")
        return Found(boxes=[thing.box for thing in there if thing.box is not None], number=len(there))

    def _attribute(self, claim: Claim, truth: Truth) -> Verdict:
        wanted = claim.data.get("attribute")
        there, refused = self._there(claim, truth, "" if wanted else "the claim has no 'attribute' in its data")
        if refused:
            return refused
        annotated = sorted({attribute for thing in there.values() for attribute in thing.attributes})
        holds = str(wanted).lower() in annotated
        return self._listed(claim, "attributes", annotated, holds=holds)

    def _relation(self, claim: Claim, truth: Truth) -> Verdict:
        wanted = claim.data.get("relation")
        there, refused = self._there(claim, truth, "" if wanted else "the claim has no 'relation' in its data")
        if refused:
            return refused
        others = set() if claim.data.get("whole") else {key for key, _ in self._named(str(claim.data["object"]), truth)}
        annotated = sorted({what for thing in there.values() for what, other in thing.relations if other in others})
        return self._listed(claim, "relations", annotated, holds=str(wanted).lower() in annotated)

    def _there(self, claim: Claim, truth: Truth, reason: str) -> tuple[dict[str, Thing], Verdict | None]:
        """Return the things a claim is about first, or the verdict that it cannot be looked at."""
        reason = reason or lacks(claim) or ""
        for name in () if reason else things(claim):
            found = self._find(name, truth, claim.aspect)
            reason = reason or found.unknown or ("" if found.there else f"no {name!r} was found")
        if reason:
            return {}, self._rules.verdict(claim, "skipped", {}, reason)
        return dict(self._named(things(claim)[0], truth)), None

    def _listed(self, claim: Claim, kind: str, annotated: list[str], *, holds: bool) -> Verdict:
        evidence = {kind: annotated}
        if holds:
            return self._rules.verdict(claim, "supported", evidence)
        if self._options.unlisted == "contradicted":
            return self._rules.verdict(claim, "contradicted", evidence)
        return self._rules.verdict(claim, "skipped", evidence, f"is not among the {kind} that are annotated")

    def _named(self, name: str, truth: Truth) -> list[tuple[str, Thing]]:
        wanted = self._forms(name)
        return [
            (key, thing) for key, thing in truth.things.items() if any(self._forms(one) & wanted for one in thing.names)
        ]

    def _known(self, name: str, vocabulary: frozenset[str]) -> bool:
        wanted = self._forms(name)
        return any(self._forms(one) & wanted for one in vocabulary)

    def _forms(self, name: str) -> set[str]:
        """Return what a name goes by: itself, its singular, and the first name of its synonyms."""
        plain = name.lower().strip()
        forms = {plain, plain.removesuffix("s"), plain.removesuffix("es")} - {""}
        return {self._synonyms.get(form, form) for form in forms}


def synonyms(path: Path) -> Mapping[str, str]:
    """Read lines of ``name, synonym, synonym``; each name goes by the first of its line.

    Raises :class:`StageError` where the file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        msg = f"[[judges]] use = 'annotations': synonyms = {str(path)!r} cannot be read: {error}"
        raise StageError(msg) from None
    found: dict[str, str] = {}
    for line in lines:
        names = [name.strip().lower() for name in line.split(",") if name.strip()]
        for name in names:
            found.setdefault(name, names[0])
    return found
