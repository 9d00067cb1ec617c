"""Run clang-tidy over C++ sources, as many at a time as there are cores.

python native/tidy.py BUILD_FOLDER SOURCE...
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor


def tidy(build: str, source: str) -> str:
    """What clang-tidy has to say about one source; nothing if all is well."""
    command = ["clang-tidy", "--quiet", "--warnings-as-errors=*", "-p", build, source]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


if __name__ == "__main__":
    build, *sources = sys.argv[1:]
    clean = True
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for said in pool.map(lambda source: tidy(build, source), sources):
            sys.stdout.write(said)
            sys.stdout.flush()
            clean = clean and not said
    sys.exit(0 if clean else 1)
