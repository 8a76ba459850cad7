"""InternVL 2.5, 3 and 3.5 as transformers has them (arXiv 2412.05271, 2504.10479): the checkpoints that end in ``-hf``."""

from pairsmith_hf.family import Family, Layout, Owned
from pairsmith_hf.llava import LAYOUT


class InternVLFamily(Family):
    """InternVL: tiles of one size, each as many tokens, between a start and an end mark."""

    model_class = "InternVLForConditionalGeneration"
    layout = Layout(
        vision=Owned(LAYOUT.vision.parameters, r"vision_tower\..*\.(q_proj|k_proj|v_proj|projection_layer|fc1|fc2)"),
        projector=LAYOUT.projector,
        language_model=LAYOUT.language_model,
    )
