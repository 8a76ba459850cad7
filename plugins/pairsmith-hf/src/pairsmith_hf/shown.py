"""What a text reward model is shown of a conversation about an image: the mark of the image, and an echoed question."""

from pairsmith.values import Response, Sample, turns
from pairsmith_hf.judges import RewardOptions

MARK = "<image>"


def conversation(sample: Sample, response: Response, options: RewardOptions) -> list[dict[str, str]]:
    """Return the turns and the answer as messages, the image's mark and an echo as the options say."""
    messages = [{"role": turn.role, "content": turn.text} for turn in turns(sample, response)]
    users = [message for message in messages if message["role"] == "user"]
    question = without_mark(users[-1]["content"]) if users else ""
    if options.image_marker == "strip":
        for message in users:
            message["content"] = without_mark(message["content"])
    elif options.image_marker == "add" and users and not any(MARK in message["content"] for message in users):
        users[0]["content"] = f"{MARK} " * len(sample.images) + users[0]["content"]
    answer = response.text
    if options.echo != "keep":
        answer = without_echo(answer, question)
    if options.echo == "add":
        answer = f"{question} {answer}".strip()
    return [*messages, {"role": "assistant", "content": answer}]


def without_mark(text: str) -> str:
    r"""Return a question without the marks of images.

    >>> without_mark("<image> What is this?"), without_mark("What is this?\n<image>")
    ('What is this?', 'What is this?')
    """
    return text if MARK not in text else " ".join(part.strip() for part in text.split(MARK)).strip()


def without_echo(answer: str, question: str) -> str:
    """Return an answer without the question that it begins with, whatever its capitals; marks of images before it go too.

    >>> without_echo("<image> What IS this? A cat.", "What is this?"), without_echo("A cat.", "What is this?")
    ('A cat.', 'A cat.')
    """
    rest = answer.lstrip()
    while rest.startswith(MARK):
        rest = rest.removeprefix(MARK).lstrip()
    if not question or rest[: len(question)].lower() != question.lower():
        return answer
    return rest[len(question) :].lstrip()
