"""What Ray runs for a worker with a runtime environment, before the worker, without an import of Ray (its own takes
half a second of CPU for that). Ray insists on the file's name.

    python setup_worker.py WORKER WHAT RAY PASSES --serialized-runtime-env-context=JSON
"""

import json
import os
import shlex
import sys

GIVEN = "--serialized-runtime-env-context="


def main() -> None:
    """Becomes the worker. As Ray does it, but for variables that name others."""
    context = {"command_prefix": [], "env_vars": {}, "py_executable": sys.executable}
    passed = []
    for each in sys.argv[1:]:
        if each.startswith(GIVEN):
            context |= json.loads(each.removeprefix(GIVEN))
        elif not each.startswith("--language="):
            passed.append(shlex.quote(each))
    os.environ.update(context["env_vars"])
    command = [*context["command_prefix"], "exec", context["py_executable"], *passed]
    os.execvp("bash", ["bash", "-c", " ".join(command)])


if __name__ == "__main__":
    main()
