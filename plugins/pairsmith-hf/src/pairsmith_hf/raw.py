"""Prompts without the text of a chat template: the image mark and the question, as PDS-DPO asked (arXiv 2412.17417)."""

import json
from typing import Any

from pairsmith.errors import StageError

_RAW = (
    "{{% for message in messages %}}{{% for part in message['content'] %}}{{% if part['type'] == 'image' %}}"
    "{{{{ {mark} }}}} {{% else %}}{{{{ part['text'] }}}}{{% endif %}}{{% endfor %}}"
    "{{% if not loop.last %}}\n{{% endif %}}{{% endfor %}}"
)


def without_template(codec: Any) -> list[int]:  # noqa: ANN401 - a codec of this plugin
    """Have a codec write ``<image> question``: a mark and a space for each image, then the text; turns end lines.

    The tokenizer's own start of a text stays. Returns the tokens that end an answer: that of the chat template, which such
    a prompt does not call for, and the tokenizer's end of a text.
    """
    if not getattr(codec, "templated", True):
        msg = (
            "prompt_mode = 'raw' leaves out a chat template, and this model's prompts are not made by one; take 'chat'"
        )
        raise StageError(msg)
    ends = [codec.end, codec.processor.tokenizer.eos_token_id]  # asked before the template goes
    codec.processor.chat_template = _RAW.format(mark=json.dumps(codec.mark, ensure_ascii=False))
    return sorted({int(end) for end in ends if end is not None})
