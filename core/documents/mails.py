"""The texts of e-mails: one template for each kind and language, which a seller can replace.

A template is a text. Its first line is the subject. Paragraphs are divided by empty lines, and a
paragraph that is empty is left out. The HTML has the same paragraphs inside `layout.html`. So the
text and the HTML never say different things.

A seller's folder has `en/renewed.txt` or `layout.html` in place of those of Perennial. It is
checked when it is read: an unknown file, a fault of syntax or an unknown name is refused.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from core.documents.languages import words_of
from core.domain.events import Event
from core.domain.mails import TOLD
from core.domain.profiles import Language

TEXTS = Path(__file__).parent / "mail_texts"
LARGEST_TEMPLATE = 64_000
"""Bytes of a template."""
_LAYOUT = "layout.html"
_SUBJECT = "Subject: "
_LONGEST_SUBJECT = 200


class BadTemplates(ValueError):
    """Templates of a seller that cannot be used. The message has a line for each fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailFacts:
    """What a template may say, in the words of its language. An empty text is not known.

    `customer`, `seller`, `seller_email`: who buys, who sells, and where to ask.
    `product`, `subscription`: what it is about.
    `expiry`: the last paid day.
    `renewal_date`, `next_try`, `last_day`, `until`, `happened_on`: other days.
    `amount`, `invoice`, `number`: a sum of money, an invoice's number, a phone number.
    `pays`: ``credits``, ``card`` or ``invoice``. `reason`: why it failed, as a sentence.
    `todo`: ``add_credits``, ``recover`` or ``ask``.
    `converts`: the trial becomes a paid subscription.
    """

    customer: str = ""
    seller: str = ""
    seller_email: str = ""
    product: str = ""
    subscription: str = ""
    expiry: str = ""
    renewal_date: str = ""
    next_try: str = ""
    last_day: str = ""
    until: str = ""
    happened_on: str = ""
    amount: str = ""
    invoice: str = ""
    number: str = ""
    pays: str = ""
    reason: str = ""
    todo: str = ""
    trial: bool = False
    converts: bool = False


SAMPLE = MailFacts(
    customer="Acme Ltd",
    seller="Example Telecom",
    seller_email="billing@example.com",
    product="3 × PRO-M",
    subscription="s1",
    expiry="April 14, 2026",
    renewal_date="April 7, 2026",
    next_try="April 9, 2026",
    last_day="May 12, 2026",
    until="June 9, 2026",
    happened_on="April 15, 2026",
    amount="$150.00",
    invoice="17",
    number="+6561234567",
    pays="credits",
    reason="Your credits do not cover the price.",
    todo="add_credits",
)
"""Facts to look at a template with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An e-mail in words."""

    subject: str
    text: str
    html: str


class MailTexts:
    """The templates of an installation.

    `folder`: a seller's own templates, read before those of Perennial. Default: none.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder

    @cached_property
    def _environments(self) -> tuple[ImmutableSandboxedEnvironment, ImmutableSandboxedEnvironment]:
        """Those of texts and of HTML. A template can call nothing and reach no file of its own."""
        places = [TEXTS] if self._folder is None else [self._folder, TEXTS]
        text, html = (
            ImmutableSandboxedEnvironment(
                loader=FileSystemLoader(places),
                autoescape=escaped,
                undefined=StrictUndefined,
                trim_blocks=True,
                lstrip_blocks=True,
            )
            for escaped in (False, True)
        )
        return text, html

    def check(self) -> None:
        """Read every template of the seller, and write it with facts. Raises BadTemplates."""
        if self._folder is None:
            return
        known = {f"{language}/{event}.txt" for language in Language for event in TOLD} | {_LAYOUT}
        faults = []
        if not self._folder.is_dir():
            raise BadTemplates(f"{self._folder} is no folder")
        for path in sorted(self._folder.rglob("*")):
            name = path.relative_to(self._folder).as_posix()
            if path.is_dir():
                continue
            if name not in known:
                faults.append(f"{name}: unknown; allowed are such as en/renewed.txt and {_LAYOUT}")
            elif path.stat().st_size > LARGEST_TEMPLATE:
                faults.append(f"{name}: has more than {LARGEST_TEMPLATE} bytes")
        for language in Language:
            for event in TOLD:
                for facts in (SAMPLE, _bare()):
                    try:
                        self.write(event, language, facts)
                    except BadTemplates as error:
                        faults.append(str(error))
        if faults:
            raise BadTemplates("\n".join(dict.fromkeys(faults)))

    def has(self, event: Event, language: Language) -> bool:
        """Whether there is a text in this language."""
        texts, _ = self._environments
        return f"{language}/{event}.txt" in texts.list_templates()

    def language_of(self, event: Event, language: Language) -> Language:
        """The language in which an event is told: this one, or English where it has no text."""
        return language if self.has(event, language) else Language.ENGLISH

    def write(self, event: Event, language: Language, facts: MailFacts) -> Written:
        """An e-mail. Raises BadTemplates for a seller's template that does not work."""
        language = self.language_of(event, language)
        texts, htmls = self._environments
        name = f"{language}/{event}.txt"
        words = words_of(language)
        try:
            written = texts.get_template(name).render(_values(facts))
            first, _, rest = written.partition("\n")
            subject = first.removeprefix(_SUBJECT).strip()
            if not first.startswith(_SUBJECT) or not 0 < len(subject) <= _LONGEST_SUBJECT:
                raise BadTemplates(f"{name}: the first line must be `{_SUBJECT}` and a short text")
            paragraphs = _paragraphs(rest, facts)
            html = htmls.get_template(_LAYOUT).render(
                subject=subject,
                paragraphs=paragraphs,
                language=str(language),
                direction=words.direction,
            )
        except TemplateSyntaxError as error:
            place = Path(error.filename or name).name
            raise BadTemplates(f"{name}: {place}, line {error.lineno}: {error.message}") from None
        except TemplateError as error:
            names = ", ".join(field.name for field in fields(MailFacts))
            raise BadTemplates(f"{name}: {error}; known names are {names}") from None
        except (ArithmeticError, LookupError, TypeError, ValueError, UnicodeError) as error:
            if isinstance(error, BadTemplates):
                raise
            raise BadTemplates(f"{name}: {error}") from None
        text = "\n\n".join("\n".join(lines) for lines in paragraphs) + "\n"
        return Written(subject=subject, text=text, html=html)


def _values(facts: MailFacts) -> Mapping[str, Any]:
    """The facts. A text of a person stays on its line, so that it makes no subject or paragraph."""
    return {
        name: " ".join(value.split()) if isinstance(value, str) else value
        for name, value in asdict(facts).items()
    }


def _paragraphs(text: str, facts: MailFacts) -> list[list[str]]:
    """Paragraphs of lines. The seller's name and address come last."""
    ends = [facts.seller] + ([facts.seller_email] if facts.seller_email else [])
    blocks = "\n".join(line.rstrip() for line in text.split("\n")).split("\n\n")
    found = [[line for line in block.split("\n") if line] for block in blocks]
    return [lines for lines in [*found, ends] if lines]


def _bare() -> MailFacts:
    """Facts of which as little as possible is known."""
    return replace(MailFacts(), seller="Example", customer="Acme", product="PRO", pays="")
