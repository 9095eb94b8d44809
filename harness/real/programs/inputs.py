"""Input files of the programs: generated, the same bytes on every machine."""

import functools
import itertools
from random import Random

_DISTINCT = 1 << 20
_CHANGES = 30
_SYLLABLES = ("ka", "ri", "to", "me", "su", "no", "ha", "li", "vo", "den", "mar", "st", "er", "qu")


def text(size: int) -> bytes:
    """Return lines of words, about as repetitive as a log file, of so many bytes.

    Beyond a mebibyte the text repeats itself.
    """
    whole, rest = divmod(size, _DISTINCT)
    return whole * _lines(_DISTINCT) + _lines(_DISTINCT)[:rest] if whole else _lines(rest)


@functools.cache
def _lines(size: int) -> bytes:
    random = Random(1)
    vocabulary = ["".join(random.choices(_SYLLABLES, k=random.randint(1, 4))) for _ in range(4000)]
    # Few words are frequent, as in any text.
    weights = list(itertools.accumulate(1.0 / (1 + rank) for rank in range(len(vocabulary))))
    lines: list[str] = []
    length = number = 0
    while length < size:
        words = random.choices(vocabulary, cum_weights=weights, k=random.randint(4, 16))
        number += 1
        line = f"{number:07d} {random.randrange(256):3d} {' '.join(words)}\n"
        lines.append(line)
        length += len(line)
    return "".join(lines).encode()[:size]


def c_source(functions: int) -> bytes:
    """Return a C source with so many functions, with loops and branches in each."""
    random = Random(2)
    parts = ["#include <math.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"]
    for number in range(functions):
        a, b, c = (random.randint(3, 99) for _ in range(3))
        earlier = f"f{random.randrange(number)}(x + i, text)" if number else "x"
        parts.append(f"""
static double t{number}[{a}];
long f{number}(long x, const char *text)
{{
    char copy[{64 + b}];
    long sum = {c};
    snprintf(copy, sizeof copy, "%ld %s", x, text);
    for (long i = 0; i < {a}; i++) {{
        if (copy[i % sizeof copy] == '{chr(97 + a % 26)}')
            sum += {earlier} * {b};
        else
            t{number}[i] = sqrt((double)(sum + i)) + {c}.5;
        switch ((sum ^ i) & 7) {{
        case {a % 8}: sum -= strlen(copy); break;
        case {(a + 3) % 8}: sum <<= {1 + b % 5}; break;
        default: sum ^= x / (i + {1 + c % 7});
        }}
    }}
    return sum;
}}
""")
    return "".join(parts).encode()


def sql_transactions(count: int) -> bytes:
    """Return SQL: so many transactions of a table of accounts, then queries of it."""
    random = Random(3)
    parts: list[str] = []
    for number in range(count):
        parts.append("BEGIN;\n")
        for _ in range(_CHANGES):
            one, other = random.randrange(2000), random.randrange(2000)
            amount = random.randint(1, 9)
            parts.append(
                f"UPDATE account SET balance = balance - {amount} WHERE id = {one};"
                f"UPDATE account SET balance = balance + {amount} WHERE id = {other};"
                f"INSERT INTO transfer VALUES (NULL, {number}, {one}, {other}, {amount});\n"
            )
        parts.append("COMMIT;\n")
    parts.append("SELECT count(*), sum(amount) FROM transfer;\n")
    parts.append(
        "SELECT branch, sum(balance), count(*) FROM account JOIN transfer ON sender = account.id "
        "GROUP BY branch ORDER BY branch;\n"
    )
    return "".join(parts).encode()


def sql_schema() -> bytes:
    """Return SQL that creates the tables of the transactions, with accounts."""
    random = Random(4)
    parts = [
        "BEGIN;\n"
        "CREATE TABLE account (id INTEGER PRIMARY KEY, branch INTEGER, balance INTEGER);\n"
        "CREATE TABLE transfer (id INTEGER PRIMARY KEY, batch INTEGER, sender INTEGER,"
        " receiver INTEGER, amount INTEGER);\n"
        "CREATE INDEX by_sender ON transfer (sender);\n"
    ]
    for number in range(2000):
        branch, balance = random.randrange(20), random.randrange(10000)
        parts.append(f"INSERT INTO account VALUES ({number}, {branch}, {balance});\n")
    parts.append("COMMIT;\n")
    return "".join(parts).encode()
