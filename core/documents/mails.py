"""The texts of e-mails: one template for each kind and language, which a seller can replace.

A template is a text. Its first line is the subject. Paragraphs are divided by empty lines, and a
paragraph that is empty is left out. The HTML has the same paragraphs inside `layout.html`. So the
text and the HTML never say different things.

A seller's folder has `en/renewed.txt` or `layout.html` in place of those of Perennial. It is
checked when it is read: an unknown file, a fault of syntax or an unknown name is refused.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from decimal import Decimal
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from core.documents.languages import Words, words_of
from core.documents.own_templates import BadTemplates, check_folder
from core.domain.alarms import Alarm
from core.domain.events import Event
from core.domain.languages import Language
from core.domain.mails import TOLD
from core.domain.subscription import Failure

REASONS: Mapping[Failure, str] = {
    Failure.NO_CREDITS: "Your credits do not cover the price.",
    Failure.CARD_DECLINED: "Your card was declined.",
    Failure.SUSPENDED: "Your account is suspended.",
    Failure.NO_PRICE: "There is no price for it.",
}
"""Why a renewal failed, as customers read it. `locales/` has the other languages."""
TEXTS = Path(__file__).parent / "mail_texts"
_LAYOUT = "layout.html"
_SUBJECT = "Subject: "
_LONGEST_SUBJECT = 200
_FOREIGN = {"customer", "seller", "seller_email", "product", "subscription", "invoice", "number"}


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
    `trial`: it is a trial. `converts`: that becomes a paid subscription.
    `suspended`: the account has no service now.
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
    suspended: bool = False


_BARE = MailFacts(seller="Example", customer="Acme", product="PRO")
"""Facts of which as little as possible is known."""


def sample(language: Language) -> MailFacts:
    """Facts to look at a template with, as they are written in this language."""
    words = words_of(language)
    return MailFacts(
        customer="Acme Ltd",
        seller="Example Telecom",
        seller_email="billing@example.com",
        product="3 × PRO-M",
        subscription="s1",
        expiry=words.long_date(date(2026, 4, 14)),
        renewal_date=words.long_date(date(2026, 4, 7)),
        next_try=words.long_date(date(2026, 4, 9)),
        last_day=words.long_date(date(2026, 5, 12)),
        until=words.long_date(date(2026, 6, 9)),
        happened_on=words.long_date(date(2026, 4, 15)),
        amount=words.money(Decimal("150.00"), "USD"),
        invoice="17",
        number="+6561234567",
        pays="credits",
        reason=words.say(REASONS[Failure.NO_CREDITS]),
        todo="add_credits",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmFacts:
    """What the text of an alarm may say. It goes to the seller, in English. Empty is not known.

    `account`, `customer`: whom it is about. `expiry`: the last paid day.
    `count`, `lines`, `more`: how many there are, some of them, and how many more.
    `second_count`, `second`, `second_more`: the same of a second list.
    `what`, `why`, `happened`: what was found, why, and when (UTC).
    `endpoint`, `do`: an endpoint, and the command that mends it.
    """

    account: str = ""
    customer: str = ""
    expiry: str = ""
    count: str = ""
    lines: tuple[str, ...] = ()
    more: str = ""
    second_count: str = ""
    second: tuple[str, ...] = ()
    second_more: str = ""
    what: str = ""
    why: str = ""
    happened: str = ""
    endpoint: str = ""
    do: str = ""


ALARM_SAMPLE = AlarmFacts(
    account="acme",
    customer="Acme Ltd",
    expiry="April 14, 2026",
    count="2 subscriptions",
    lines=("s1, PRO-M, paid until April 14, 2026: credits do not cover it",),
    more="and 1 more",
    second_count="1 subscription",
    second=("s7, PRO-M, account acme, paid until April 10, 2026",),
    what="balance",
    why="it has failed without one success since 2026-04-01 08:00 UTC",
    happened="2026-04-07 00:00",
    endpoint="crm",
    do="starter.py webhook on crm",
)
"""Facts to look at the text of an alarm with."""


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

    @property
    def own(self) -> frozenset[str]:
        """The names of the texts that a seller has put in their place."""
        if self._folder is None:
            return frozenset()
        return frozenset(
            path.relative_to(self._folder).as_posix() for path in self._folder.rglob("*.*")
        )

    def source(self, kind: Event | Alarm, language: Language) -> tuple[str, str]:
        """The name of the template of a kind, and its text as it stands in the file."""
        name = f"alarms/{kind}.txt" if isinstance(kind, Alarm) else f"{language}/{kind}.txt"
        folder = self._folder if self._folder is not None and name in self.own else TEXTS
        return name, (folder / name).read_text(encoding="utf-8")

    def sample(self, kind: Event | Alarm, language: Language) -> Written:
        """An e-mail with made-up facts. Raises BadTemplates as `write` and `alarm`."""
        if isinstance(kind, Alarm):
            return self.alarm(kind, ALARM_SAMPLE)
        return self.write(kind, language, sample(language))

    def check(self) -> None:
        """Read every template of the seller, and write it with facts. Raises BadTemplates."""
        if self._folder is None:
            return
        known = {f"{language}/{event}.txt" for language in Language for event in TOLD}
        known |= {f"alarms/{alarm}.txt" for alarm in Alarm} | {_LAYOUT}
        check_folder(self._folder, known, f"en/renewed.txt and {_LAYOUT}", self._all())

    def _all(self) -> Iterator[Callable[[], Written]]:
        """What writes each text once with all facts, and once with few."""
        for language in Language:
            for facts in (sample(language), _BARE):
                for event in TOLD:
                    yield partial(self.write, event, language, facts)
        for told in (ALARM_SAMPLE, AlarmFacts()):
            for alarm in Alarm:
                yield partial(self.alarm, alarm, told)

    def write(self, event: Event, language: Language, facts: MailFacts) -> Written:
        """An e-mail. Raises BadTemplates for a seller's template that does not work."""
        ends = [each for each in (facts.seller, facts.seller_email) if each]
        return self._written(f"{language}/{event}.txt", facts, language, ends)

    def alarm(self, kind: Alarm, facts: AlarmFacts) -> Written:
        """An e-mail to the seller. Raises BadTemplates for a seller's own that does not work."""
        return self._written(f"alarms/{kind}.txt", facts, Language.ENGLISH, [])

    def _written(
        self, name: str, facts: MailFacts | AlarmFacts, language: Language, ends: list[str]
    ) -> Written:
        """The text of a template, and the same in HTML. `ends`: the last paragraph."""
        texts, htmls = self._environments
        words = words_of(language)
        try:
            written = texts.get_template(name).render(_values(facts, words))
            first, _, rest = written.partition("\n")
            subject = first.removeprefix(_SUBJECT).strip()
            if not first.startswith(_SUBJECT) or not 0 < len(subject) <= _LONGEST_SUBJECT:
                raise BadTemplates(f"{name}: the first line must be `{_SUBJECT}` and a short text")
            paragraphs = _paragraphs(rest, [words.foreign(each) for each in ends])
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
            names = ", ".join(field.name for field in fields(facts))
            raise BadTemplates(f"{name}: {error}; known names are {names}") from None
        except (ArithmeticError, LookupError, TypeError, ValueError, UnicodeError) as error:
            if isinstance(error, BadTemplates):
                raise
            raise BadTemplates(f"{name}: {error}") from None
        text = "\n\n".join("\n".join(lines) for lines in paragraphs) + "\n"
        return Written(subject=subject, text=text, html=html)


def _values(facts: MailFacts | AlarmFacts, words: Words) -> Mapping[str, Any]:
    """The facts. A text of a person stays on its line, so that it makes no subject or paragraph.

    A name or a number keeps its own direction in a language from right to left.
    """
    return {name: _value(name, value, words) for name, value in asdict(facts).items()}


def _value(name: str, value: str | bool | tuple[str, ...], words: Words) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, tuple):
        return [_on_its_line(text) for text in value]
    line = _on_its_line(value)
    return words.foreign(line) if line and name in _FOREIGN else line


def _on_its_line(text: str) -> str:
    return " ".join(text.split())


def _paragraphs(text: str, ends: list[str]) -> list[list[str]]:
    """Paragraphs of lines. `ends` are the last lines, such as the seller's name and address."""
    blocks = "\n".join(line.rstrip() for line in text.split("\n")).split("\n\n")
    found = [[line for line in block.split("\n") if line] for block in blocks]
    return [lines for lines in [*found, ends] if lines]
