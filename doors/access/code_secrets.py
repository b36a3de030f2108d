"""The secrets of codes, derived from the key of the environment (`PERENNIAL_STAFF_KEYS`)."""

from core.domain.endpoints import Sealed
from core.domain.one_time_codes import SECRET_BYTES
from core.gateways.derived_secrets import DerivedSecrets
from settings import Settings, keys_of


def code_secrets(config: Settings) -> DerivedSecrets:
    """The keys from which secrets of codes are derived. Without a key it is false."""
    return DerivedSecrets(keys_of(config.staff_keys), "staff code", "PERENNIAL_STAFF_KEYS")


def code_secret(keys: DerivedSecrets, sealed: Sealed) -> bytes:
    """The secret of a person's codes: 20 bytes. Raises UnknownKey when its key is not set."""
    return keys.derived(sealed)[:SECRET_BYTES]
