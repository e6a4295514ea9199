#!/bin/sh
# Prints the first Python that can make the book's environment. PYTHON, when set, is the only one tried.
# Each candidate is really run: a name on the PATH may be a shim that leads nowhere.
here=$(dirname "$0")
complaint=

try() {
    answer=$("$1" "$here/environment.py" --check 2>&1 </dev/null)
    if [ $? -eq 0 ]; then
        printf '%s\n' "$1"
        exit 0
    fi
    case $answer in
        "Python 3"*) [ -n "$complaint" ] || complaint=$answer ;;
    esac
}

if [ -n "$PYTHON" ]; then
    try "$PYTHON"
    printf '%s\n' "${complaint:-PYTHON=$PYTHON cannot be run; name a Python 3.11, 3.12 or 3.13: make PYTHON=/path/to/python3.12 book}" >&2
else
    for name in python3 python3.13 python3.12 python3.11 python; do
        try "$name"
    done
    printf '%s\n' "${complaint:-Python 3.11, 3.12 or 3.13 is needed and none was found; install one, or say where it is: make PYTHON=/path/to/python3.12 book}" >&2
fi
exit 1
