import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairsmith_toyworld.scene import COMPANIONS, Scene, Thing, draw, main_relation, relation_holds

SEEDS = st.integers(0, 2**63 - 1)


@given(SEEDS)
def test_a_scene_comes_back_from_json_as_it_was(seed):
    scene = draw(Random(seed))
    assert Scene.of(json.loads(json.dumps(scene.row()))) == scene


@given(SEEDS)
def test_a_scene_has_each_kind_once_each_in_a_cell_of_its_own_in_reading_order(seed):
    scene = draw(Random(seed))
    cells = [thing.cell for thing in scene.things]
    taken = cells + ([scene.word.cell] if scene.word else [])
    assert 1 <= len(scene.things) <= 5
    assert len({thing.kind for thing in scene.things}) == len(scene.things)
    assert cells == sorted(cells)
    assert len(set(taken)) == len(taken)


def test_the_same_dice_draw_the_same_scene():
    assert draw(Random(3)) == draw(Random(3)) != draw(Random(4))


def test_words_companions_and_numbers_are_as_frequent_as_they_should_be():
    scenes = [draw(Random(seed)) for seed in range(4000)]
    assert sum(scene.word is not None for scene in scenes) / len(scenes) == pytest.approx(0.35, abs=0.03)
    assert {len(scene.things) for scene in scenes} == {1, 2, 3, 4, 5}
    for colour, (_, companion, shape) in COMPANIONS.items():
        triggered = [scene for scene in scenes if any(thing.colour == colour for thing in scene.things)]
        beside = sum(scene.thing(companion, shape) is not None for scene in triggered) / len(triggered)
        alone = [scene for scene in scenes if scene not in triggered]
        anyway = sum(scene.thing(companion, shape) is not None for scene in alone) / len(alone)
        assert 0.25 < beside < 0.45  # .35 where there is room for it, and by chance
        assert anyway < 0.1


@pytest.mark.parametrize(
    ("x", "y", "relation", "holds"),
    [
        (0.10, 0.50, "left", True),
        (0.10, 0.50, "right", False),
        (0.48, 0.50, "left", False),  # within the margin: neither left nor right
        (0.52, 0.50, "right", False),
        (0.54, 0.50, "right", True),
        (0.50, 0.46, "above", True),
        (0.50, 0.54, "below", True),
        (0.50, 0.54, "above", False),
    ],
)
def test_relations_need_a_margin(x, y, relation, holds):
    first = Thing("small", "red", "ring", 0, x, y)
    middle = Thing("small", "blue", "ring", 4, 0.5, 0.5)
    assert relation_holds(first, relation, middle) is holds


@given(SEEDS)
def test_the_main_relation_holds(seed):
    things = draw(Random(seed)).things
    for one in things:
        for other in things:
            assert one is other or relation_holds(one, main_relation(one, other), other)
