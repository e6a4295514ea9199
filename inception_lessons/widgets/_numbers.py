"""How the widgets write numbers, in the same characters in Python and in JavaScript (static/percent.mjs)."""


def percent(part: int, whole: int) -> str:
    """Return 100·part/whole with three significant digits, halves rounded up, such as `"4.67 %"`.

    Only integers take part, so that every language comes to the same characters.
    """
    upper, lower, places, zeros = 100 * part, whole, 0, 0
    while upper < 100 * lower:
        upper, places = 10 * upper, places + 1
    while upper >= 1000 * lower:
        lower, zeros = 10 * lower, zeros + 1
    digits = (2 * upper + lower) // (2 * lower)
    if digits == 1000:
        digits, places, zeros = (100, places - 1, zeros) if places else (100, 0, zeros + 1)
    whole_digits, decimals = divmod(digits * 10**zeros, 10**places)
    return f"{whole_digits:,}" + (f".{decimals:0{places}d}" if places else "") + " %"
