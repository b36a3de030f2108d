"""The application: it finds every command, and it decides how each one runs.

A command is one function in one module of `doors/commandline/commands/`. `@command` registers it,
and this module imports all modules of that package, so there is no list to extend.

    @command("suspend", "suspend acme")
    def suspend(account: AccountId, request: Request) -> None:
        ...

Modules of commands import only `typer` and this package's light modules at the top. Everything
heavy is imported inside the function, so that `--help` appears at once.
"""

import inspect
import pkgutil
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any, ClassVar, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from doors.commandline import commands, options
from doors.commandline.exit_codes import Code

Function = TypeVar("Function", bound=Callable[..., None])

HELP = """Perennial: subscriptions that renew by themselves.

Exit codes: 0 done, 1 refused by a rule, 2 bad input or usage, 3 the system is not available,
130 interrupted."""


class AlphabeticalGroup(TyperGroup):
    """Lists its commands by name. They register in the order of their modules."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands."""
        return sorted(super().list_commands(ctx))


class PlainCommand(TyperCommand):
    """Says what is wrong with a value without the prefix of the library that has read it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words after the name of the command."""
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as wrong:
            wrong.message = wrong.message.removeprefix("Value error, ")
            raise


class GroupWithDefault(AlphabeticalGroup):
    """Runs its command `default` for words that do not begin with the name of a command."""

    default: ClassVar[str]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words after the name of the group."""
        if args and args[0] not in self.commands and args[0] != "--help":
            args = [self.default, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=AlphabeticalGroup,
    name="starter.py",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=HELP,
)
_groups: dict[str, typer.Typer] = {}


def load_app() -> typer.Typer:
    """Return the application with all its commands."""
    for module in pkgutil.iter_modules(commands.__path__):
        import_module(f"{commands.__name__}.{module.name}")
    return app


def group(name: str, text: str, default: str | None = None) -> None:
    """Add a group of commands.

    `text`: its help.
    `default`: the command of the group that runs when none is named. Default: one must be named.
    """
    cls = type("Group", (GroupWithDefault,), {"default": default}) if default else None
    _groups[name] = typer.Typer(
        cls=cls or AlphabeticalGroup, no_args_is_help=True, help=text, rich_markup_mode=None
    )
    app.add_typer(_groups[name], name=name)


def command(path: str, *examples: str) -> Callable[[Function], Function]:
    """Register a function as the command `path`, such as "show" or "account show".

    The docstring is its help, followed by the examples. A parameter of the type `Request` becomes
    the options --request-id, --by, --json and --preview. One of the type `Many` becomes those of a
    campaign, one of the type `Listing` those of a list. Every error ends the program with one
    message and an exit code.
    """

    def register(function: Function) -> Function:
        *of_group, name = path.split()
        parent = _groups[of_group[0]] if of_group else app
        epilog = "\n\n".join(f"Example: starter.py {example}" for example in examples)
        parent.command(name, cls=PlainCommand, epilog=epilog)(_entry(function))
        return function

    return register


def _entry(function: Callable[..., None]) -> Callable[..., None]:
    """Return the function that typer calls. It has all options and explains errors."""
    parameters = list(inspect.signature(function, eval_str=True).parameters.values())
    bundles = {p.name: options.BUNDLES[p.annotation] for p in parameters if _is_bundle(p)}
    own = [p for p in parameters if not _is_bundle(p)]
    shared = [
        parameter
        for _, described in bundles.values()
        for parameter in inspect.signature(described, eval_str=True).parameters.values()
    ]
    names = {p.name: _as_written(p) for p in (*own, *shared)}

    @wraps(function)
    def entry(**values: Any) -> None:
        try:
            from core.ledger.acting import COMMAND_LINE
            from doors.commandline.acting import act_as
            from doors.commandline.errors import end_with_exit_code, named_as_written

            with end_with_exit_code(), named_as_written(names):
                act_as(values.get("by") or COMMAND_LINE.actor)
                for name, (bundle, _) in bundles.items():
                    values[name] = bundle.from_options(values)
                function(**values)
        except KeyboardInterrupt:  # during the imports
            typer.echo("Interrupted.", err=True)
            raise typer.Exit(Code.INTERRUPTED) from None

    keyword_only = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*own, *shared)]
    entry.__signature__ = inspect.Signature(keyword_only)  # type: ignore[attr-defined]
    return entry


def _as_written(parameter: inspect.Parameter) -> str:
    """The name of a parameter as a person writes it: ``--cycles`` or ``ACCOUNT``."""
    for told in getattr(parameter.annotation, "__metadata__", ()):
        if isinstance(told, typer.models.ArgumentInfo):
            return (told.metavar or parameter.name.upper()).strip("[]")
        if isinstance(told, typer.models.OptionInfo):
            written = [name for name in told.param_decls or () if name.startswith("--")]
            return (written or [f"--{parameter.name.replace('_', '-')}"])[0].split("/")[0]
    return parameter.name


def _is_bundle(parameter: inspect.Parameter) -> bool:
    return any(parameter.annotation is bundle for bundle in options.BUNDLES)
