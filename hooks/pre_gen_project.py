"""Refuses a name that cannot become a project, in one sentence; cookiecutter then removes the folder it has begun."""

from __future__ import annotations  # cookiecutter may run on an older Python than the project

import json
import keyword
import sys

ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")  # as data, so that nothing in an answer is ever run
STANDARD_LIBRARY: frozenset[str] = getattr(sys, "stdlib_module_names", frozenset(sys.builtin_module_names))
TAKEN = {*keyword.kwlist, "match", "case", "type", *STANDARD_LIBRARY, *ANSWERS["_taken_names"]}
UNSAFE = set("\"'`\\/<>{}$%#&|;:*?=@^~!")
LONGEST = 40


def complaint(project_name: str, package_name: str) -> str | None:
    """Says what is wrong with the name, if anything."""
    longest = max(project_name, package_name, key=len)
    if len(longest) > LONGEST:
        return f"{longest!r} has {len(longest)} characters and at most {LONGEST} are possible"
    if not project_name.isprintable() or UNSAFE & set(project_name):
        return "only letters, digits, spaces and . , - _ + ( ) can stand in file names, code and documents alike"
    if not (package_name.isascii() and package_name.isidentifier() and package_name[0].isalpha()):
        return f"its Python package cannot be called {package_name!r}: a letter, then letters, digits and _ are needed"
    if package_name.lower() in TAKEN:
        return f"its Python package cannot be called '{package_name}' like a part of Python, a library or a folder"
    return None


if problem := complaint(ANSWERS["project_name"], ANSWERS["package_name"]):
    sys.exit(f"The project cannot be called {ANSWERS['project_name']!r}: {problem}; please choose another name.")
