"""The judge that knows the scene, and can be made to err."""

import random
from collections.abc import Sequence
from typing import Any

from pairsmith.errors import StageError
from pairsmith.interfaces import Run
from pairsmith.seeds import derive
from pairsmith.values import Case, Claim, Sample, Verdict
from pairsmith_toyworld.grammar import ASPECTS, Said
from pairsmith_toyworld.options import OracleOptions
from pairsmith_toyworld.scene import Scene, relation_holds


def verify(claims: Sequence[Said], scene: Scene) -> list[bool]:
    """Tell of each claim of one answer whether it is so. Naming an object a second time is not: there is one of each."""
    named: set[tuple[str, str]] = set()
    return [_holds(said, scene, named) for said in claims]


def _holds(said: Said, scene: Scene, named: set[tuple[str, str]]) -> bool:
    match said["kind"]:
        case "object":
            kind = (said["colour"], said["shape"])
            new = kind not in named
            named.add(kind)
            return new and scene.thing(*kind) is not None
        case "size":
            thing = scene.thing(said["colour"], said["shape"])
            return thing is not None and thing.size == said["size"]
        case "relation":
            first, second = scene.thing(said["colour"], said["shape"]), scene.thing(*said["other"])
            if first is None or second is None or first is second:
                return False
            return relation_holds(first, said["relation"], second)
        case "word":
            return scene.word is not None and scene.word.text == said["word"]
        case "word-place":
            return scene.word is not None and scene.word.row == said["row"]
        case "count":
            return bool(said["number"] == len(scene.things))
    return False


def scene_of(sample: Sample) -> Scene:
    """Return the scene of a sample, or say that it has none."""
    try:
        return Scene.of(sample.truth["scene"])
    except (KeyError, TypeError):
        msg = f"sample {sample.id!r} has no scene in its truth; the toy world's judge knows its own pictures only"
        raise StageError(msg) from None


class OracleJudge:
    """Implements :class:`pairsmith.interfaces.Judge`. With ``noise`` p it says the opposite with probability p.

    Asked about all claims at once, it finds what is said of an absent object false as well. Where a first oracle is asked
    about objects only and a second about the rest, the second is not shown what depends on an absent object.
    """

    def __init__(self, options: OracleOptions, run: Run) -> None:  # noqa: ARG002 - the signature of every factory
        """Take the noise and the aspects."""
        self._noise, self._seed = options.noise, options.seed
        self.aspects: tuple[str, ...] | None = options.aspects

    def judge(self, cases: Sequence[Case]) -> list[list[Verdict]]:
        """Return a verdict per claim."""
        return [self._case(case) for case in cases]

    def _case(self, case: Case) -> list[Verdict]:
        scene = scene_of(case.sample)
        verdicts = []
        for response in case.responses:
            claims = [claim for claim in case.claims if claim.response_id == response.id]
            holds = verify([_said(claim) for claim in claims], scene)
            verdicts += [self._verdict(claim, so, scene) for claim, so in zip(claims, holds, strict=True)]
        order = {claim.id: place for place, claim in enumerate(case.claims)}
        return sorted(verdicts, key=lambda verdict: order[str(verdict.claim_id)])

    def _verdict(self, claim: Claim, so: bool, scene: Scene) -> Verdict:  # noqa: FBT001
        errs = random.Random(derive(self._seed, claim.id)).random() < self._noise
        return Verdict(
            judge="toyworld-oracle",
            response_id=claim.response_id,
            claim_id=claim.id,
            outcome="supported" if so != errs else "contradicted",
            evidence=_evidence(claim, scene),
        )


def _said(claim: Claim) -> Said:
    if claim.data.get("kind") not in ASPECTS:
        msg = f"claim {claim.id!r} ({claim.text!r}) is not of the toy world's grammar; set [claims] use = 'toyworld-grammar'"
        raise StageError(msg)
    return dict(claim.data)


def _evidence(claim: Claim, scene: Scene) -> dict[str, Any]:
    """Return what is really there, where the claim is about something that is."""
    said = claim.data
    if said.get("kind") in {"word", "word-place"}:
        return {"written": None if scene.word is None else f"{scene.word.text} at the {scene.word.row}"}
    if said.get("kind") == "count":
        return {"objects": len(scene.things)}
    if said.get("kind") in {"size", "relation"}:
        thing = scene.thing(said["colour"], said["shape"])
        return {} if thing is None else {"size": thing.size, "x": round(thing.x, 2), "y": round(thing.y, 2)}
    return {}
