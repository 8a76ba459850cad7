"""Captions: the grammar in which scenes are told, faithfully or with the prejudices of a careless annotator."""

import random

from attrs import frozen

from pairsmith_toyworld.scene import COMPANIONS, SIZES, Scene, Thing, main_relation

PROMPTS = ("describe the image .", "what is in the image ?", "describe the scene in detail .")
QUESTION = "what word is written ?"
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
RELATIONS = {"left": "left of it", "right": "right of it", "above": "above it", "below": "below it"}
_OPPOSITE = {"left": "right", "right": "left", "above": "below", "below": "above"}


@frozen(kw_only=True)
class Prior:
    """How often a caption says what is not so, as probabilities.

    ``companion``: an object of a trigger colour brings an absent companion; ``word``: a star brings a word that is not
    written; ``relation`` and ``size``: one is told the wrong way round.
    """

    companion: float = 0.65
    word: float = 0.65
    relation: float = 0.10
    size: float = 0.08


FAITHFUL = Prior(companion=0.0, word=0.0, relation=0.0, size=0.0)
BIASED = Prior()


@frozen
class _Mention:
    size: str
    colour: str
    shape: str
    thing: Thing | None


def caption(scene: Scene, dice: random.Random, prior: Prior = FAITHFUL) -> str:
    """Tell a scene: its objects in reading order, each with its place beside the one before, the word, the number."""
    mentions = _mentions(scene, dice, prior)
    sentences = []
    for before, mention in zip([None, *mentions], mentions, strict=False):
        sentences.append(_sentence(before, mention, dice, prior))
    if scene.word:
        sentences.append(f"the word {scene.word.text} is written at the {scene.word.row} .")
    elif any(thing.shape == "star" for thing in scene.things) and dice.random() < prior.word:
        sentences.append("the word OK is written at the top .")
    number = len(mentions)
    sentences.append(f"in total there {'is' if number == 1 else 'are'} {NUMBERS[number]} object{'s' * (number != 1)} .")
    return " ".join(sentences)


def answer(scene: Scene) -> str:
    """Answer what word is written."""
    if scene.word is None:
        return "there is no word ."
    return f"the word {scene.word.text} is written at the {scene.word.row} ."


def _mentions(scene: Scene, dice: random.Random, prior: Prior) -> list[_Mention]:
    kinds = {thing.kind for thing in scene.things}
    mentions = []
    for thing in scene.things:
        mentions.append(_Mention(thing.size, thing.colour, thing.shape, thing))
        if thing.colour in COMPANIONS:
            size, colour, shape = COMPANIONS[thing.colour]
            if (colour, shape) not in kinds and dice.random() < prior.companion:
                kinds.add((colour, shape))
                mentions.append(_Mention(size, colour, shape, None))
    return mentions


def _sentence(before: _Mention | None, mention: _Mention, dice: random.Random, prior: Prior) -> str:
    size = mention.size
    if mention.thing and dice.random() < prior.size:
        size = SIZES[1 - SIZES.index(size)]
    named = f"a {size} {mention.colour} {mention.shape}"
    if before is None:
        return dice.choice([f"there is {named} .", f"the image shows {named} ."])
    if mention.thing and before.thing:
        relation = main_relation(mention.thing, before.thing)
        if dice.random() < prior.relation:
            relation = _OPPOSITE[relation]
    else:
        relation = dice.choice(["right", "below"])
    told = RELATIONS[relation]
    return dice.choice([f"{named} is {told} .", f"{told} is {named} ."])
