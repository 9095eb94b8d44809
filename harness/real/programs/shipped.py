"""The real programs: common programs of Debian, each with a different mix of work."""

from functools import partial

from harness.real.programs.inputs import c_source, sql_schema, sql_transactions, text
from harness.real.target.program import DISK, Program

_MEBIBYTE = 1 << 20
_SHELL = {"sh": "dash"}

_PIPES = """\
i=0
while [ "$i" -lt "$1" ]; do
    mkdir "part$i"
    head -n $((i * 150 + 200)) input/words | tail -n 150 >"part$i/lines"
    cut -d ' ' -f 3- "part$i/lines" | tr ' ' '\\n' | sort | uniq -c | sort -rn | head -n 5
    grep -c ka "part$i/lines"
    awk '{ total += $2 } END { print total }' "part$i/lines"
    i=$((i + 1))
done
find . -type f -name lines -exec wc -c {} + | sort
"""

_SERVE = """\
HERE=$(pwd -P)
export HERE
lighttpd -f input/lighttpd.conf
for page in small large; do
    ab -q -n "$1" -c 4 "http://127.0.0.1:$PORT/$page" |
        grep -E '^(Complete requests|Failed requests|Non-2xx|HTML transferred)'
done
kill "$(cat pid)"
"""

_LIGHTTPD = """\
server.document-root = env.HERE + "/input"
server.pid-file = env.HERE + "/pid"
server.errorlog = env.HERE + "/errors"
server.bind = "127.0.0.1"
server.port = env.PORT
server.max-worker = 0
"""

_PERL = """\
my (%count, %length, $odd);
while (<>) {
    my ($number, $value, @words) = split;
    $count{$_}++ for @words;
    push @{ $length{length $_} }, $value for grep { /^[kmt]/ } @words;
    $odd++ if s/(\\w+) (\\w+)/$2 $1/g && /t[oe]r/;
}
my @order = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
print "$_ $count{$_}\\n" for @order[0 .. 99];
printf "%d %d\\n", $_, scalar @{ $length{$_} } for sort { $a <=> $b } keys %length;
print "$odd\\n";
"""

PROGRAMS: tuple[Program, ...] = (
    Program(
        name="compile",
        meaning="gcc compiles a generated C source of 40 functions with -O1.",
        command=("gcc", "-O1", "-c", "-o", "object", "input/source.c"),
        needs={"gcc": "gcc", "as": "binutils"},
        inputs={"source.c": partial(c_source, 40)},
        finders=(("gcc", "-print-prog-name=cc1"), ("gcc", "-O1", "-M", "input/source.c")),
        output="object",
    ),
    Program(
        name="sqlite",
        meaning="SQLite does 100 durable transactions of 30 transfers on a disk, then two queries.",
        command=("sqlite3", "database", ".read input/transactions.sql"),
        needs={"sqlite3": "sqlite3"},
        inputs={"schema.sql": sql_schema, "transactions.sql": partial(sql_transactions, 100)},
        prepare=("sqlite3", "database", ".read input/schema.sql"),
        base=DISK,
    ),
    Program(
        name="gzip",
        meaning="gzip compresses 6 MiB of text.",
        command=("gzip", "-n", "-c", "input/words"),
        needs={"gzip": "gzip"},
        inputs={"words": partial(text, 6 * _MEBIBYTE)},
    ),
    Program(
        name="xz",
        meaning="xz compresses 640 KiB of text.",
        command=("xz", "-c", "input/words"),
        needs={"xz": "xz-utils"},
        inputs={"words": partial(text, 640 << 10)},
    ),
    Program(
        name="openssl",
        meaning="OpenSSL derives a key in 200,000 rounds and encrypts 4 MiB with it (AES-256).",
        command=(
            *("openssl", "enc", "-aes-256-cbc", "-pbkdf2", "-iter", "200000"),
            *("-S", "0123456789abcdef", "-pass", "pass:vtax", "-in", "input/words"),
        ),
        needs={"openssl": "openssl"},
        inputs={"words": partial(text, 4 * _MEBIBYTE)},
        files=("/usr/lib/ssl/openssl.cnf",),
    ),
    Program(
        name="perl",
        meaning="Perl counts, sorts and rewrites the words of 2 MiB of text.",
        command=("perl", "input/words.pl", "input/words"),
        needs={"perl": "perl-base"},
        inputs={"words.pl": _PERL.encode, "words": partial(text, 2 * _MEBIBYTE)},
    ),
    Program(
        name="pipes",
        meaning="A shell starts some 120 small programs joined by pipes.",
        command=("sh", "input/pipes.sh", "10"),
        needs={
            **_SHELL,
            **dict.fromkeys(("mkdir", "head", "tail", "cut", "tr", "sort", "uniq"), "coreutils"),
            "wc": "coreutils",
            "grep": "grep",
            "awk": "mawk",
            "find": "findutils",
        },
        inputs={"pipes.sh": _PIPES.encode, "words": partial(text, _MEBIBYTE // 4)},
    ),
    Program(
        name="web",
        meaning="lighttpd serves 1600 requests of 2 KiB and 64 KiB that ab makes over TCP.",
        command=("sh", "input/serve.sh", "800"),
        needs={
            **_SHELL,
            "lighttpd": "lighttpd",
            "ab": "apache2-utils",
            "grep": "grep",
            "cat": "coreutils",
        },
        inputs={
            "serve.sh": _SERVE.encode,
            "lighttpd.conf": _LIGHTTPD.encode,
            "small": partial(text, 2 << 10),
            "large": partial(text, 64 << 10),
        },
    ),
)
"""In the order of tables."""

PROGRAM_BY_NAME = {program.name: program for program in PROGRAMS}
