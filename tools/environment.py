"""Makes the virtual environment of the book in .venv, or says in one sentence why it cannot.

    python tools/environment.py            make or repair .venv; a second run finds nothing to do
    python tools/environment.py --check    only say whether this Python can do it

Standard library only. The file has to parse on Python 2.7 and 3.6 too: a reader with an old Python must get
a sentence and not a syntax error. That is why it has no annotations and no f-strings.
"""

from __future__ import print_function

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ENVIRONMENT = os.path.join(ROOT, ".venv")
REQUIREMENTS = os.path.join(ROOT, "requirements.txt")
SUITABLE = ((3, 11), (3, 12), (3, 13))
WANTED = "Python 3.11, 3.12 or 3.13 is needed"
GIB = 2**30
# Measured: 1.7 GB with the CPU build of PyTorch, and pip unpacks beside it. The CUDA build needs about 10 GB.
NEEDED_BYTES = 3 * GIB
# What the environment's own Python is asked: its version, and every installed distribution.
PROBE = """
import json, sys
from importlib import metadata
found = {d.metadata["Name"]: d.version for d in metadata.distributions() if d.metadata["Name"]}
print(json.dumps({"python": list(sys.version_info[:3]), "installed": found}))
"""


class CannotGoOn(Exception):
    """A sentence for the reader: what is wrong and what to do."""


def complaint_about_python(version, executable):
    """The sentence that refuses a Python of this version, or None when it suits."""
    if tuple(version[:2]) in SUITABLE:
        return None
    return (
        "{}, this is {}.{} ({}); install one of them, or say where it is: "
        "make PYTHON=/path/to/python3.12 book"
    ).format(WANTED, version[0], version[1], executable)


def complaint_about_venv(version, executable, importable):
    """The sentence for a Python that was packaged without venv or ensurepip, or None.

    `importable` is called with a module's name and answers whether that module can be imported.
    """
    missing = [name for name in ("venv", "ensurepip") if not importable(name)]
    if not missing:
        return None
    return (
        "Python {0}.{1} ({2}) cannot make a virtual environment, its module {3} is missing; "
        "on Debian and Ubuntu: apt install python{0}.{1}-venv"
    ).format(version[0], version[1], executable, " and ".join(missing))


def complaint_about_space(free_bytes, folder):
    """The sentence for a disk that is too full to hold the environment, or None."""
    if free_bytes >= NEEDED_BYTES:
        return None
    return (
        "The environment needs {:.0f} GB of disk ({} GB where pip takes the CUDA build of PyTorch), "
        "and {:.1f} GB are free in {}; make room and run the same command again"
    ).format(NEEDED_BYTES / GIB, 10, free_bytes / float(GIB), folder)


def read_pins(text):
    """The pins of a requirements file, normalised name to version; lines with a marker are left out."""
    pins = {}
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        found = re.match(r"^([A-Za-z0-9._-]+)==([^\s;]+)$", line)
        if found:
            pins[normalised(found.group(1))] = found.group(2)
    return pins


def normalised(name):
    """A distribution's name as indexes compare it: lower case, one hyphen between words."""
    return re.sub(r"[-_.]+", "-", name).lower()


def wrong_versions(pins, installed):
    """The pins that the installed distributions do not satisfy, as (name, wanted, found or None), sorted.

    A local build tag counts as the same version: torch 2.13.0+cpu satisfies torch==2.13.0.
    """
    have = {normalised(name): version for name, version in installed.items()}
    wrong = []
    for name, wanted in sorted(pins.items()):
        found = have.get(name)
        if found is None or (found != wanted and found.split("+")[0] != wanted):
            wrong.append((name, wanted, found))
    return wrong


def explain_pip_failure(lines, free_bytes):
    """One sentence on why pip failed, from the last lines it wrote to its error stream."""
    text = "\n".join(lines)
    again = "run the same command again"
    if re.search(r"No space left on device|Errno 28|not enough space", text) or free_bytes < 200 * 2**20:
        return "The disk is full: {:.1f} GB are free; make room and {}".format(free_bytes / float(GIB), again)
    network = (
        r"Failed to establish a new connection|Temporary failure in name resolution|"
        r"Name or service not known|getaddrinfo failed|nodename nor servname|Network is unreachable|"
        r"Connection refused|ProxyError|timed out|"
        r"SSLError|CERTIFICATE_VERIFY_FAILED|Connection reset|Connection aborted"
    )
    if re.search(network, text):
        return (
            "pip could not reach the package index; check the network (or PIP_INDEX_URL, "
            "PIP_EXTRA_INDEX_URL and the proxy settings), then {}".format(again)
        )
    missing = re.search(r"No matching distribution found for (\S+)", text)
    if missing:
        return (
            "pip found no {} for this Python and machine; check the network and PIP_INDEX_URL, "
            "or take another Python (make PYTHON=...), then {}".format(missing.group(1), again)
        )
    errors = [line.strip() for line in lines if line.strip().lower().startswith("error")]
    last = errors[-1] if errors else (lines[-1].strip() if lines else "it said nothing")
    return "pip failed ({}); mend that and {}".format(last, again)


def environment_key(root, *contents):
    """What the stamp of a finished environment says: a hash of its place and of the files that define it."""
    digest = hashlib.sha256(root.encode("utf-8"))
    for content in contents:
        digest.update(b"\0" + content)
    return digest.hexdigest()


def write_stamp(path, stamp):
    """Writes the stamp under a temporary name and renames it, so that half a stamp is never read."""
    temporary = path + ".part"
    with open(temporary, "w") as handle:
        json.dump(stamp, handle)
    os.replace(temporary, path)


def read_stamp(path):
    """The stamp as a dictionary; an empty one when there is none or it cannot be read."""
    try:
        with open(path) as handle:
            stamp = json.load(handle)
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def python_of(environment):
    """The path of an environment's interpreter."""
    parts = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return os.path.join(environment, *parts)


def ask(python):
    """What the interpreter says of itself (`python`, `installed`), or None when it cannot be run."""
    try:
        answer = subprocess.check_output(
            [python, "-c", PROBE],
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            env=clean_environ(),
            timeout=120,
        )
        return json.loads(answer.decode("utf-8"))
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def clean_environ():
    """The environment variables for pip and Python without those that would lead them out of .venv."""
    environ = dict(os.environ)
    for name in (
        "PYTHONHOME",
        "PYTHONPATH",
        "PIP_USER",
        "PIP_TARGET",
        "PIP_PREFIX",
        "PIP_REQUIRE_VIRTUALENV",
    ):
        environ.pop(name, None)
    environ["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    return environ


def free_bytes_at(folder):
    """Free bytes on the disk of a folder."""
    return shutil.disk_usage(folder).free


def clear_away(environment):
    """Removes what stands at the environment's place, if anything; a file there is the reader's and stays."""
    if os.path.islink(environment):
        os.remove(environment)
    elif os.path.isdir(environment):
        shutil.rmtree(environment)
    elif os.path.exists(environment):
        raise CannotGoOn(
            "{} is a file, and the environment must go there; move the file away and run again".format(
                environment
            )
        )


def create(environment):
    """Makes an empty virtual environment with this Python, in place of whatever stood there."""
    clear_away(environment)
    complaint = complaint_about_space(
        free_bytes_at(os.path.dirname(environment)), os.path.dirname(environment)
    )
    if complaint:
        raise CannotGoOn(complaint)
    say("Making .venv with Python {}.{}.{} ({})".format(*(tuple(sys.version_info[:3]) + (sys.executable,))))
    made = subprocess.run(
        [sys.executable, "-m", "venv", environment],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=clean_environ(),
    )
    if made.returncode != 0:
        lines = made.stdout.decode("utf-8", "replace").splitlines()
        raise CannotGoOn("python -m venv failed: {}".format(" ".join(line.strip() for line in lines[-3:])))


def install(python, arguments):
    """Runs pip in the environment; its progress is shown, its errors are kept and end in one sentence."""
    command = [python, "-m", "pip", "install", "--no-input"] + arguments
    pip = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=ROOT, env=clean_environ()
    )
    lines = []
    for raw in pip.stderr:
        lines = lines[-199:] + [raw.decode("utf-8", "replace").rstrip()]
    if pip.wait() != 0:
        print("\n".join(lines[-12:]), file=sys.stderr)
        raise CannotGoOn(explain_pip_failure(lines, free_bytes_at(ROOT)))


def say(sentence):
    """Prints at once, also where the output is a file."""
    print(sentence)
    sys.stdout.flush()


def fault_of(environment, pins, key, wanted_python):
    """What keeps an environment from being used: (None or a reason, whether it must be made anew).

    `wanted_python` is (major, minor) when the reader asked for one Python by name, else None.
    """
    if not os.path.lexists(environment):
        return "there is none yet", True
    answer = ask(python_of(environment))
    if answer is None:
        return "its Python does not run", True
    if tuple(answer["python"][:2]) not in SUITABLE:
        return "it was made with Python {}.{}".format(*answer["python"][:2]), True
    if wanted_python and tuple(answer["python"][:2]) != wanted_python:
        return "Python {}.{} was asked for".format(*wanted_python), True
    stamp = read_stamp(os.path.join(environment, "ready.json"))
    if stamp.get("root", ROOT) != ROOT:
        return "it was made in another folder", True
    wrong = wrong_versions(pins, answer["installed"])
    if wrong:
        shown = ", ".join("{} {}".format(name, found or "missing") for name, _, found in wrong[:3])
        more = "" if len(wrong) <= 3 else " and {} more".format(len(wrong) - 3)
        return "not as pinned: {}{}".format(shown, more), False
    if stamp.get("key") != key or "inception-lessons" not in {
        normalised(name) for name in answer["installed"]
    }:
        return "the requirements changed, or it was left half-made", False
    return None, False


def prepare(this_python_only):
    """Brings .venv to the state that the requirements describe; returns whether anything had to be done."""
    with open(REQUIREMENTS, "rb") as handle:
        requirements = handle.read()
    with open(os.path.join(ROOT, "pyproject.toml"), "rb") as handle:
        project = handle.read()
    pins = read_pins(requirements.decode("utf-8"))
    key = environment_key(ROOT, requirements, project)
    fault, anew = fault_of(ENVIRONMENT, pins, key, tuple(sys.version_info[:2]) if this_python_only else None)
    if fault is None:
        return False
    begun = time.time()
    say("Preparing the environment in .venv ({})".format(fault))
    if anew:
        create(ENVIRONMENT)
    stamp = os.path.join(ENVIRONMENT, "ready.json")
    if os.path.exists(stamp):
        os.remove(stamp)  # an interrupted installation must not look finished
    python = python_of(ENVIRONMENT)
    if (
        subprocess.call(
            [python, "-m", "pip", "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        != 0
    ):
        create(ENVIRONMENT)
    say(
        "Installing {} pinned packages; PyTorch is the large one, a first time takes minutes".format(
            len(pins)
        )
    )
    install(python, ["-r", REQUIREMENTS])
    # setuptools is pinned above, so that building the package itself fetches nothing.
    install(python, ["--quiet", "--no-deps", "--no-build-isolation", "--editable", ROOT])
    answer = ask(python)
    wrong = wrong_versions(pins, answer["installed"]) if answer else [("python", "running", None)]
    if wrong:
        raise CannotGoOn(
            "After installing, {} {} is not {}; remove .venv and run again".format(
                wrong[0][0], wrong[0][2], wrong[0][1]
            )
        )
    write_stamp(stamp, {"key": key, "root": ROOT})
    say("The environment is ready ({:.0f} s)".format(time.time() - begun))
    return True


def can_import(name):
    """Whether a module of the standard library is there."""
    try:
        __import__(name)
    except ImportError:
        return False
    return True


def main(arguments):
    """Returns the exit status: 0 ready, 1 with one sentence on the error stream."""
    complaint = complaint_about_python(sys.version_info, sys.executable) or complaint_about_venv(
        sys.version_info, sys.executable, can_import
    )
    if complaint:
        print(complaint, file=sys.stderr)
        return 1
    if "--check" in arguments:
        return 0
    try:
        prepare("--this-python" in arguments)
    except CannotGoOn as reason:
        print(reason, file=sys.stderr)
        return 1
    except OSError as reason:
        full = getattr(reason, "errno", None) == 28
        sentence = (
            explain_pip_failure(["Errno 28"], 0)
            if full
            else "The environment could not be made: {}".format(reason)
        )
        print(sentence, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; run the same command again and it goes on.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
