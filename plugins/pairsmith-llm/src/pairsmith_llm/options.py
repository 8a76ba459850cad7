"""Options of the components. Imports no client."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from attrs import Attribute, field, frozen
from attrs.validators import and_, deep_iterable, ge, gt, in_, le, matches_re, min_len, optional

from pairsmith.component import Needs
from pairsmith.grading import GradingOptions, names_of_fields
from pairsmith_llm.defaults import ASPECTS

Structured = Literal["auto", "json-schema", "json-object", "none"]
STRUCTURED: tuple[Structured, ...] = ("auto", "json-schema", "json-object", "none")
_OURS = ("model", "messages", "n", "stream", "response_format")


def _address(_: object, attribute: "Attribute[Any]", value: str) -> None:
    if not value:
        return
    try:
        parts = urlsplit(value)
        sound = parts.scheme in {"http", "https"} and parts.hostname
    except ValueError:
        sound = None
    if not sound:
        msg = f"{attribute.name!r} must be an address such as 'http://localhost:8000/v1': {value!r}"
        raise ValueError(msg)
    if parts.username or parts.password or parts.query:  # the value may hold a secret, so it is not shown
        msg = f"{attribute.name!r} must hold no user, password or query; a key goes into the variable that 'key_env' names"
        raise ValueError(msg)


def _variable(_: object, attribute: "Attribute[Any]", value: str) -> None:
    if value and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):  # it may be a key, so it is not shown
        msg = f"{attribute.name!r} must be the name of an environment variable, and never the key itself"
        raise ValueError(msg)


def _extra(_: object, attribute: "Attribute[Any]", value: Mapping[str, Any]) -> None:
    for name in value:
        if name in _OURS:
            msg = f"{attribute.name!r} must not hold {name!r}; the component sets it itself"
            raise ValueError(msg)


@frozen(kw_only=True)
class EndpointOptions:
    """What every component here is told about its endpoint, and how it treats it."""

    model: str = field(validator=min_len(1), metadata={"help": "the model's name at the endpoint"})
    base_url: str = field(
        default="",
        validator=_address,
        metadata={"help": "the endpoint, as 'http://localhost:8000/v1'; left out: $OPENAI_BASE_URL, or else OpenAI"},
    )
    key_env: str = field(
        default="OPENAI_API_KEY",
        validator=_variable,
        metadata={"help": "the environment variable that holds the key; '' for an endpoint that asks for none"},
    )
    temperature: float = field(default=0.0, validator=ge(0.0), metadata={"help": "0 answers greedily"})
    max_tokens: int = field(default=2048, validator=ge(1), metadata={"help": "longest reply, in tokens"})
    seed: bool = field(default=True, metadata={"help": "send a seed with each request"})
    extra: Mapping[str, Any] = field(
        factory=dict, validator=_extra, metadata={"help": "more fields of the request, e.g. {top_k = 40}"}
    )
    without: tuple[str, ...] = field(
        default=(), metadata={"help": "fields of the request that this endpoint refuses, e.g. ['temperature']"}
    )
    max_side: int = field(
        default=1024,
        validator=and_(ge(28), le(8192)),
        metadata={"help": "pixels of the longer side to which a larger image is shrunk before it is sent"},
    )
    concurrency: int = field(
        default=8, validator=and_(ge(1), le(1000)), metadata={"help": "requests that are on their way at once"}
    )
    timeout: float = field(default=180.0, validator=gt(0.0), metadata={"help": "seconds for one whole reply"})
    retries: int = field(default=5, validator=ge(0), metadata={"help": "times a failed request is sent again"})
    backoff: float = field(
        default=1.0,
        validator=gt(0.0),
        metadata={"help": "seconds before the first retry; each next one waits twice as long, less a random share"},
    )
    longest_wait: float = field(
        default=300.0,
        validator=gt(0.0),
        metadata={"help": "most seconds before a retry; a server that asks for more (Retry-After) fails the request"},
    )
    give_up_after: int = field(
        default=20,
        validator=ge(1),
        metadata={"help": "requests in a row that fail, after all their retries, before the run stops at once"},
    )
    give_up_refused: int = field(
        default=5,
        validator=ge(0),
        metadata={
            "help": "different questions that the server refuses in the same words, before it has answered any, before the "
            "run stops at once; 0 for never"
        },
    )
    requests_per_minute: float = field(default=0.0, validator=ge(0.0), metadata={"help": "0 for no limit"})
    tokens_per_minute: float = field(
        default=0.0, validator=ge(0.0), metadata={"help": "of prompts and replies together; 0 for no limit"}
    )
    price_in: float = field(default=0.0, validator=ge(0.0), metadata={"help": "price of a million prompt tokens"})
    price_out: float = field(default=0.0, validator=ge(0.0), metadata={"help": "price of a million reply tokens"})


@frozen(kw_only=True)
class GeneratorOptions(EndpointOptions):
    """Options of the generator ``openai``."""

    n: int = field(default=1, validator=ge(1), metadata={"help": "answers per sample"})
    temperature: float = field(default=1.0, validator=ge(0.0), metadata={"help": "0 answers greedily"})
    top_p: float = field(default=1.0, validator=[gt(0.0), le(1.0)], metadata={"help": "nucleus, share of probability"})
    max_tokens: int = field(default=512, validator=ge(1), metadata={"help": "longest answer, in tokens"})
    system: str = field(default="", metadata={"help": "a system prompt that goes before the sample's turns"})
    one_request: bool = field(
        default=False,
        metadata={"help": "ask for all n answers in one request, so that the prompt is paid once, where 'n' is known"},
    )
    name: str | None = field(
        default=None,
        validator=optional(matches_re(r"[\w.-]+")),
        metadata={"help": "goes into the ids of the answers; needed where several generators answer"},
    )


@frozen(kw_only=True)
class StructuredOptions(EndpointOptions):
    """Options of components that need JSON from a model."""

    structured: Structured = field(
        default="auto",
        validator=in_(STRUCTURED),
        metadata={
            "help": "how JSON is asked for beside the prompt; auto takes the strictest that the endpoint accepts"
        },
    )
    reasks: int = field(
        default=2,
        validator=ge(0),
        metadata={"help": "times a reply that cannot be used is sent back with what is wrong"},
    )
    repair_model: str = field(
        default="",
        metadata={"help": "a (cheaper) model that puts such a reply into form; left out: the model itself"},
    )
    prompt: Path | None = field(
        default=None, metadata={"help": "a file with the instructions, in place of those that come with the plugin"}
    )
    name: str | None = field(
        default=None,
        validator=optional(matches_re(r"[\w.-]+")),
        metadata={"help": "the name its work goes by; needed where a recipe has several of a kind"},
    )


@frozen(kw_only=True)
class RubricOptions(StructuredOptions, GradingOptions):
    """Options of ``openai-rubric``. The defaults are mllm-dpo's (arXiv 2402.10884)."""


@frozen(kw_only=True)
class ClaimsOptions(StructuredOptions):
    """Options of ``openai-claims``."""

    aspects: Mapping[str, str] = field(
        factory=lambda: dict(ASPECTS),
        validator=names_of_fields,
        metadata={"help": "the kinds of claims: name = what the model is told it means"},
    )


@frozen(kw_only=True)
class TextOptions(StructuredOptions):
    """Options of ``openai-text``."""

    aspects: tuple[str, ...] = field(
        default=("text",),
        validator=deep_iterable(min_len(1), min_len(1)),
        metadata={"help": "the claims that it is shown, by aspect"},
    )
    similar: float = field(
        default=0.85,
        validator=and_(gt(0.0), le(1.0)),
        metadata={"help": "least likeness, 0 to 1, of a claimed text and a text in the image; 1 asks for the same"},
    )


@frozen(kw_only=True)
class RewriteOptions(StructuredOptions):
    """Options of ``openai-rewrite``."""

    alike: float = field(
        default=0.5,
        validator=and_(ge(0.0), le(1.0)),
        metadata={
            "help": "least likeness by characters, 0 to 1, of a rewritten text and the text it was; else asked again"
        },
    )
    context: bool = field(default=True, metadata={"help": "show the text of the post as well, for how names are spelt"})
    label: Literal["", "chosen"] = field(
        default="",
        validator=in_(("", "chosen")),
        metadata={"help": "'chosen' has [pairs] use = 'demonstrations' take the rewritten texts"},
    )


def generator_needs(options: GeneratorOptions) -> Needs:
    """Return what answers cost."""
    return Needs(calls_per_sample=1 if options.one_request else options.n, environment=_environment(options))


def judge_needs(options: StructuredOptions) -> Needs:
    """Return what a judge costs that looks at a sample once."""
    return Needs(calls_per_sample=1, environment=_environment(options))


def claims_needs(options: ClaimsOptions) -> Needs:
    """Return what splitting needs; how many answers there are it cannot know."""
    return Needs(environment=_environment(options))


def _environment(options: EndpointOptions) -> tuple[str, ...]:
    return (options.key_env,) if options.key_env else ()


def prompt_inputs(options: StructuredOptions) -> Sequence[Path]:
    """Return the file of instructions, where there is one."""
    return () if options.prompt is None else (options.prompt,)
