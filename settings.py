"""The settings of Perennial, and the one place that reads the environment.

Owns the names (`PERENNIAL_*`), the defaults and the bounds. `.env.example` describes every setting,
in the same order. Settings come from the environment, and below it from the file `.env` beside this
module. An empty value counts as not set. This module imports nothing else of Perennial.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT = Path(__file__).resolve().parent
"""The directory of the project. Relative paths in settings start here."""

PREFIX = "PERENNIAL_"

Port = Annotated[int, Field(ge=1, le=65535)]


class SettingsError(Exception):
    """A setting cannot be used. The message has a line for each setting and its fault."""


def _cache() -> Path:
    """Return the cache directory of the user for Perennial (XDG). It is outside the work tree."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "perennial"


class Settings(BaseSettings):
    """All settings. Durations are in seconds, rates are per second, paths become absolute."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=PROJECT / ".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    # Where the data is. Without an address, the embedded stack is used.
    database_url: str | None = Field(default=None, repr=False)
    temporal_address: str | None = None
    temporal_namespace: str = Field(default="default", min_length=1)
    temporal_api_key: SecretStr | None = None
    temporal_tls: bool = False
    payload_keys: SecretStr | None = None
    temporal_ui: str | None = None

    # The embedded stack.
    home: Path = PROJECT / ".perennial"
    cache: Path = Field(default_factory=_cache)
    temporal_program: Path | None = None
    temporal_port: Port | None = None
    temporal_ui_port: Port | None = None

    # Who sells, and how cards are charged.
    seller: str = Field(default="main", min_length=1, max_length=64)
    card_gateway: Literal["simulated"] = "simulated"

    # How long a caller waits for servers that are away.
    patience_seconds: float = Field(default=60.0, ge=0, le=86_400, allow_inf_nan=False)

    # How the work is done.
    task_queue: str = Field(default="perennial", min_length=1)
    charge_task_queue: str = Field(default="perennial-charge", min_length=1)
    charges_per_second: float = Field(default=25.0, gt=0, allow_inf_nan=False)
    cycles_per_run: int = Field(default=6, ge=1, le=120)
    jitter_seconds: int = Field(default=3600, ge=0, le=82_800)
    renew_locally: bool = True
    workflow_cache: int = Field(default=2000, ge=0)
    workflow_sandbox: bool = False
    payload_passes: bool = False
    sticky_seconds: float = Field(default=60.0, ge=1, le=3600, allow_inf_nan=False)
    activity_threads: int = Field(default=20, ge=1, le=200)
    activity_seconds: float = Field(default=60.0, ge=0.1, le=3600, allow_inf_nan=False)
    workflow_task_seconds: float = Field(default=10.0, ge=0.1, le=120, allow_inf_nan=False)
    shutdown_seconds: int = Field(default=20, ge=0)
    relay_seconds: float = Field(default=5.0, ge=0.1, le=3600, allow_inf_nan=False)
    reconcile_seconds: int = Field(default=3600, ge=60, le=86_400)
    reconcile_grace_seconds: int = Field(default=900, ge=0, le=86_400)

    # Messages.
    webhook_keys: SecretStr | None = None
    webhook_private: bool = False
    webhook_connections: int = Field(default=8, ge=1, le=100)
    webhook_seconds: float = Field(default=10.0, ge=0.1, le=30, allow_inf_nan=False)
    mail: Literal["off", "smtp", "file"] = "off"
    mail_folder: Path = PROJECT / ".perennial" / "mailbox"
    mail_templates: Path | None = None
    document_templates: Path | None = None
    smtp_host: str = Field(default="localhost", min_length=1)
    smtp_port: Port = 587
    smtp_security: Literal["none", "starttls", "tls"] = "starttls"
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    messages_seconds: float = Field(default=1.0, ge=0.05, le=3600, allow_inf_nan=False)

    # The HTTP API.
    api_host: str = Field(default="127.0.0.1", min_length=1)
    api_port: Port = 8400
    api_requests_per_second: float = Field(default=50.0, ge=0.1, le=10_000, allow_inf_nan=False)
    api_patience_seconds: float = Field(default=10.0, ge=0.1, le=300, allow_inf_nan=False)

    # Staff who sign in.
    staff_keys: SecretStr | None = None
    openid_issuer: str | None = None
    openid_client_id: str | None = None
    openid_client_secret: SecretStr | None = None

    # The console of support.
    console_host: str = Field(default="127.0.0.1", min_length=1)
    console_port: Port = 8500
    console_address: str | None = None

    # Logs and metrics.
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_json: bool = False
    metrics_port: Port | None = None
    metrics_host: str = Field(default="127.0.0.1", min_length=1)

    @field_validator("database_url")
    @classmethod
    def _psycopg_url(cls, value: str | None) -> str | None:
        """Accept the usual spellings of a PostgreSQL URL and name the driver for SQLAlchemy."""
        if value is None:
            return None
        scheme, separator, rest = value.partition("://")
        if not separator or scheme not in {"postgres", "postgresql", "postgresql+psycopg"}:
            raise ValueError("must be a URL such as postgresql://user:password@host:5432/perennial")
        url = f"postgresql+psycopg://{rest}"
        if not _well_formed(url):
            raise ValueError(
                "is not a well-formed URL; percent-encode special characters in the password, "
                "such as %40 for @"
            )
        return url

    @field_validator("openid_issuer")
    @classmethod
    def _https(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("https://", "http://127.0.0.1")):
            raise ValueError("must be the issuer of the provider, such as https://id.example.com")
        return value

    @field_validator("console_address", "temporal_ui")
    @classmethod
    def _origin(cls, value: str | None) -> str | None:
        """Accept a scheme and a host, perhaps with a port, without a path."""
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or value != f"{parts.scheme}://{parts.netloc}":
            raise ValueError("must be an address without a path, such as https://desk.example.com")
        return value.lower()

    @field_validator("temporal_address")
    @classmethod
    def _host_and_port(cls, value: str | None) -> str | None:
        if value is None:
            return None
        host, separator, port = value.rpartition(":")
        if (
            not separator
            or not host
            or not port.isdigit()
            or not 0 < int(port) < 65536
            or "/" in host
        ):
            raise ValueError("must be host:port, such as temporal.example.internal:7233")
        return value

    @field_validator("webhook_keys", "staff_keys", "payload_keys")
    @classmethod
    def _long_keys(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and any(len(key) < 32 for key in keys_of(value)):
            raise ValueError("each key must have at least 32 random characters, and commas between")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @field_validator(
        *("home", "cache", "temporal_program", "mail_folder", "mail_templates"),
        "document_templates",
    )
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        try:
            return None if value is None else PROJECT / value.expanduser()
        except RuntimeError:
            raise ValueError("no such user here; write the whole path") from None

    @property
    def tls(self) -> bool:
        """Whether the connection to Temporal is encrypted. An API key implies it."""
        return self.temporal_tls or self.temporal_api_key is not None


def read_settings() -> Settings:
    """Read the settings anew.

    Raises `SettingsError`. Its message does not repeat values, because some are secrets.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = [
            f"{_name_of(fault['loc'])}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
        ]
        raise SettingsError("\n".join(faults)) from None


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the settings of this process, read once. Tests call `settings.cache_clear()`."""
    return read_settings()


def keys_of(value: SecretStr | None) -> list[str]:
    """The keys of a setting that holds several, separated by commas. None has none."""
    return [] if value is None else [key.strip() for key in value.get_secret_value().split(",")]


def _name_of(place: tuple[int | str, ...]) -> str:
    return PREFIX + ".".join(map(str, place)).upper()


def _well_formed(url: str) -> bool:
    """Return whether a database URL can be parsed, with one @ before the host."""
    try:
        parts = urlsplit(url)
        return (
            parts.netloc.count("@") <= 1
            and "@" not in parts.path
            and parts.port != 0
            and url.isprintable()
            and " " not in url
        )
    except ValueError:
        return False
