"""A judge that is a local model: it grades all answers of a sample by a rubric, or says how likely each is right."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from attrs import define, field

from pairsmith.answers import Answers, Question
from pairsmith.errors import RecipeError, StageError, UsageError
from pairsmith.framing import escape_tags, tags
from pairsmith.grading import Graded, labelled, question, read_grades
from pairsmith.interfaces import Run
from pairsmith.replies import UnusableError, read_json
from pairsmith.values import Case, Failed, Image, Response, Turn, Verdict, turns
from pairsmith_hf.judges import VlmOptions
from pairsmith_hf.speaker import Request, Said, Speaker, batches, name_of

NAME = "vlm"
_WORDS = {"yes": ("yes", "Yes", " yes", " Yes"), "no": ("no", "No", " no", " No")}


class VlmJudge:
    """Implements :class:`pairsmith.interfaces.Judge` for whole responses.

    ``rubric`` is mllm-dpo's judging (arXiv 2402.10884) with a model of one's own: image, question and all answers at once,
    JSON back. A reply that cannot be used is sent back with what is wrong; where that does not help the sample is
    :class:`Failed`. ``p-yes`` asks about each answer whether it is right, and takes the probability of yes against no in the
    first token. What was replied is kept: a sample is asked about once.
    """

    aspects: tuple[str, ...] | None = ()

    def __init__(self, options: VlmOptions, run: Run) -> None:
        """Read the instructions; the model is loaded when something must be asked."""
        if run.family is None or run.weights is None:
            msg = "[[judges]] use = 'vlm' asks a model of its own; give it a table model = { use = ..., path = ... }"
            raise RecipeError(msg)
        self._options, self._run, self._family, self._weights = options, run, run.family, run.weights
        self._name, self._model = options.name or NAME, name_of(run, run.weights)
        self._speakers: list[Speaker] = []
        codec: Any = run.family.codec(run.weights)
        self._mark = str(codec.mark)
        self._told = _instructions(options)
        self._tags = tags(self._told)
        self._counts = dict.fromkeys(("replies", "asked again", "failed"), 0)
        dtype = str(options.dtype or getattr(run.family, "dtype", "float32"))
        made_from = {
            "model": run.family.fingerprint(run.weights),
            "dtype": dtype,
            "mode": options.mode,
            "max_new_tokens": options.max_new_tokens,
        }
        self.answers = Answers(run, NAME, made_from)

    def __enter__(self) -> Self:
        """Use the model."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the model's memory go."""
        for speaker in self._speakers:
            speaker.close()
        self._speakers.clear()

    def facts(self) -> Mapping[str, int]:
        """Return how many replies were read, how many were sent back, and how many samples failed."""
        return self._counts

    def judge(self, cases: Sequence[Case]) -> list[list[Verdict] | Failed]:
        """Return a verdict per response, or why there is none."""
        if self._options.mode == "p-yes":
            return self._likelihoods(cases)
        talks = [_Talk(case, labelled(case, self._options, self._run.seed)) for case in cases]
        open_talks = [talk for talk in talks if talk.case.responses]
        for talk in open_talks:
            talk.said = [Turn(role="user", text=self._told + self._clean(question(talk.case, talk.shown)))]
        for time in range(self._options.reasks + 1):
            self._counts["asked again"] += len(open_talks) if time else 0
            for talk, said in zip(open_talks, self._replies(open_talks), strict=True):
                talk.read(said, self._options)
            open_talks = [talk for talk in open_talks if talk.wrong]
        self._counts["failed"] += len(open_talks)
        return [self._verdicts(talk) for talk in talks]

    # The rubric ------------------------------------------------------------------------------------------------------

    def _replies(self, talks: Sequence["_Talk"]) -> list[Said]:
        self._counts["replies"] += len(talks)
        asked: list[Request] = [(tuple(talk.said), talk.case.sample.images) for talk in talks]
        return [Said(*reply) for reply in self._ask(asked, self._say)]

    def _say(self, requests: Sequence[Request]) -> list[Any]:
        said = self._speaker.say(requests, max_new_tokens=self._options.max_new_tokens)
        return [[one.text, one.finish] for (one,) in said]

    def _verdicts(self, talk: "_Talk") -> list[Verdict] | Failed:
        if talk.wrong:
            asked = self._options.reasks + 1
            return Failed(reason=f"none of {asked} replies of {self._model!r} could be used; the last: {talk.wrong}")
        label_of = {response.id: label for label, response in talk.shown.items()}
        return [self._graded(one, label_of[one.id], *talk.grades[label_of[one.id]]) for one in talk.case.responses]

    def _graded(self, response: Response, label: str, comment: str, attributes: Mapping[str, int]) -> Verdict:
        return Verdict(
            judge=self._name,
            response_id=response.id,
            score=self._options.total(attributes),
            evidence={"attributes": attributes, "comment": comment, "label": label, "model": self._model},
        )

    # The probability of yes --------------------------------------------------------------------------------------------

    def _likelihoods(self, cases: Sequence[Case]) -> list[list[Verdict] | Failed]:
        asked = [self._is_right(case, response) for case in cases for response in case.responses]
        self._counts["replies"] += len(asked)
        yes = iter(self._ask(asked, self._yes))
        return [[self._likely(response, next(yes)) for response in case.responses] for case in cases]

    def _is_right(self, case: Case, response: Response) -> Request:
        said = "\n".join(turn.text for turn in turns(case.sample, response))
        inside = {"question": said, "answer": response.text}
        parts = {name: self._clean(escape_tags(part, self._tags)) for name, part in inside.items()}
        text = re.sub(
            r"\{(question|answer)\}", lambda place: parts[place[1]], self._told
        )  # what is put in stays as it is
        return (Turn(role="user", text=text),), case.sample.images

    def _yes(self, requests: Sequence[Request]) -> list[float]:
        yes, no = self._words()
        chances = self._speaker.first(requests).softmax(-1)
        for_it, against = chances[:, yes].sum(-1), chances[:, no].sum(-1)
        return [round(one, 6) for one in (for_it / (for_it + against).clamp(min=1e-30)).tolist()]

    def _words(self) -> tuple[list[int], list[int]]:
        """Return the tokens that begin yes, and those that begin no."""
        tokenizer = self._speaker.codec.processor.tokenizer
        yes, no = (
            {tokenizer(form, add_special_tokens=False).input_ids[0] for form in forms} for forms in _WORDS.values()
        )
        if not yes - no or not no - yes:
            msg = f"[[judges]] use = 'vlm': {self._model!r} has no tokens of their own for yes and no; set mode = 'rubric'"
            raise StageError(msg)
        return sorted(yes - no), sorted(no - yes)

    def _likely(self, response: Response, chance: float) -> Verdict:
        return Verdict(
            judge=self._name, response_id=response.id, score=chance, evidence={"yes": chance, "model": self._model}
        )

    # Asking ------------------------------------------------------------------------------------------------------------

    def _ask(self, requests: Sequence[Request], expert: Any) -> list[Any]:  # noqa: ANN401 - requests to JSON
        """Return the replies, those that were given before from where they are kept."""
        by_key = {_key(request): request for request in requests}

        def put(questions: Sequence[Question]) -> list[Any]:
            given: list[Any] = expert([by_key[one.text] for one in questions])
            return given

        def divided(questions: Sequence[Question]) -> Iterator[list[Question]]:
            for batch in batches([by_key[one.text] for one in questions], self._options.batch_size):
                yield [questions[k] for k in batch]

        return self.answers.ask([Question(_key(request)) for request in requests], put, divided)

    @property
    def _speaker(self) -> Speaker:
        if not self._speakers:
            self._speakers.append(Speaker(self._options, self._family, self._weights))
        return self._speakers[0]

    def _clean(self, text: str) -> str:
        """Return a text without image marks: what stands in an answer must not take an image's place."""
        return text.replace(self._mark, " ")


@define(eq=False)
class _Talk:
    """What was said about a sample's answers, and what came of it."""

    case: Case
    shown: Mapping[str, Response]
    said: list[Turn] = field(factory=list)
    grades: Mapping[str, Graded] = field(factory=dict)
    wrong: str = ""

    def read(self, reply: Said, options: VlmOptions) -> None:
        """Take the grades from a reply, or go on with what is wrong with it."""
        try:
            self.grades = read_grades(read_json(reply.text, reply.finish), tuple(self.shown), options)
            self.wrong = ""
        except UnusableError as error:
            self.wrong = str(error)
            complaint = f"That reply cannot be used: {error}. Reply again, with the whole JSON object and nothing else."
            self.said += [Turn(role="assistant", text=reply.text), Turn(role="user", text=complaint)]


def _key(request: Request) -> str:
    """Return what makes two requests the same: the turns, and the images' content."""
    said, images = request
    return json.dumps([[[turn.role, turn.text] for turn in said], [_content(image) for image in images]])


def _content(image: Image) -> str:
    return Question("", image).key[0]


def _instructions(options: VlmOptions) -> str:
    """Return what the model is told, the packaged text or that of the recipe's file."""
    source = options.prompt or Path(__file__).parent / "prompts" / f"{options.mode}.txt"
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"the instructions in {str(source)!r} cannot be read: {error}"
        raise UsageError(msg) from None
    if options.mode == "p-yes":
        missing = next((place for place in ("{question}", "{answer}") if place not in text), None)
        if missing:
            msg = f"the instructions in {str(source)!r} must hold {missing}, for there it goes"
            raise UsageError(msg)
        return text.strip()
    filled = {
        "lowest": str(options.lowest),
        "highest": str(options.highest),
        "attributes": "\n".join(f"- {name}: {meaning}" for name, meaning in options.attributes.items()),
        "example": ", ".join(f'"{name}": {options.highest}' for name in options.attributes),
    }
    for name, value in filled.items():
        text = text.replace(f"{{{name}}}", value)
    return f"{text.strip()}\n\n"
