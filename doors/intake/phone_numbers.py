"""Phone numbers that people write, checked by the library `phonenumbers` (Google's libphonenumber).

A number is accepted when its country and its length are possible. Whether a range is assigned today
is not asked, because new ranges come before a new version of the library.
"""

import re

from phonenumbers import (
    NumberParseException,
    PhoneNumberFormat,
    format_number,
    is_possible_number_with_reason,
    parse,
)
from phonenumbers.phonenumberutil import ValidationResult

from core.domain.fault_places import shown
from core.domain.inputs import read_id, wrong

_WRITTEN = re.compile(r"\+[0-9][0-9 ().\-/]*")
_ALLOWED = "allowed is the form of E.164, such as +6561234567"
_WHY = {
    ValidationResult.TOO_SHORT: "has too few digits for its country",
    ValidationResult.TOO_LONG: "has too many digits for its country",
    ValidationResult.INVALID_LENGTH: "has a length that its country does not use",
    ValidationResult.INVALID_COUNTRY_CODE: "has no country code that is assigned",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "lacks its area code",
}


def read_e164(value: object) -> str:
    """A phone number in the form of E.164. Spaces, dots, dashes and brackets in it are left out.

    Raises `Wrong` when no phone number of its country can look like this.
    """
    text = read_id(value)
    if not _WRITTEN.fullmatch(text):
        wrong(f"{shown(text)} is no phone number; {_ALLOWED}")
    try:
        number = parse(text, None)
    except NumberParseException:
        return wrong(f"{shown(text)} is no phone number of any country; {_ALLOWED}")
    if (why := is_possible_number_with_reason(number)) is not ValidationResult.IS_POSSIBLE:
        wrong(f"{shown(text)} {_WHY[why]}; {_ALLOWED}")
    return str(format_number(number, PhoneNumberFormat.E164))
