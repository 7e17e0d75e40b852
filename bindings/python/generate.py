#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes lsvm/_functions.py and lsvm/enums.py from the public headers.

generate.py           write them
generate.py --check   say whether they are as they would be written; status 1 when not

The headers hold opaque handles, plain types and nothing else, so that reading them takes a few
patterns and no C compiler; what does not fit the patterns is an error, never left out.
"""
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
HEADERS = HERE.parents[1] / "include/libsvm"
HEAD = '''# SPDX-License-Identifier: LGPL-2.1-or-later
# Written by bindings/python/generate.py from include/libsvm/*.h; change those and run it again.
'''


def headers():
    """(name, text without comments and preprocessor lines) of each public header, in order."""
    for path in sorted(HEADERS.glob("*.h")):
        text = re.sub(r"/\*.*?\*/", " ", path.read_text(), flags=re.S)
        yield path.name, re.sub(r"^[ \t]*#(?:.*\\\n)*.*$", "", text, flags=re.M)


def type_words(text):
    """'struct lsvm_ctx *ctx' -> 'struct lsvm_ctx *': without a parameter's name, spaced one way."""
    words = re.findall(r"\w+|\*", text)
    if len(words) > 1 and words[-1] != "*" and words[-2] not in ("const", "struct", "enum", "unsigned"):
        words.pop()
    base = " ".join(w for w in words if w != "*")
    stars = "*" * words.count("*")
    return f"{base} {stars}".strip()


def functions():
    """name -> (result type, parameter types), in the order of the headers."""
    found = {}
    for header, text in headers():
        for match in re.finditer(r"\bLSVM_API\b([^;{]*);", text):
            shape = re.fullmatch(r"\s*(.+?)\b(lsvm_\w+)\s*\((.*)\)\s*", match.group(1), flags=re.S)
            if not shape or "(" in shape.group(3):
                sys.exit(f"{header}: cannot read: {' '.join(match.group(0).split())}")
            result, name, parameters = shape.groups()
            parameters = [] if parameters.strip() == "void" else parameters.split(",")
            if name in found:
                sys.exit(f"{header}: {name} is declared twice")
            found[name] = (type_words(result + " x"), [type_words(p) for p in parameters])
    return found


def enums():
    """tag -> [(constant, value)], in the order of the headers."""
    found = {}
    for header, text in headers():
        for tag, body in re.findall(r"\benum\s+lsvm_(\w+)\s*\{(.*?)\}", text, flags=re.S):
            items = []
            for item in filter(None, (i.strip() for i in body.split(","))):
                shape = re.fullmatch(r"(LSVM_\w+)\s*=\s*(-?\d+|0[xX][0-9a-fA-F]+)", item)
                if not shape:
                    sys.exit(f"{header}: enum lsvm_{tag}: cannot read: {item}")
                items.append((shape.group(1), int(shape.group(2), 0)))
            found[tag] = items
    return found


def short_names(tag, items):
    """The constants without what all of them start with: LSVM_ROLE_SERVER -> SERVER."""
    if tag == "err":
        return [re.sub(r"^LSVM_(ERR_)?", "", name) for name, _ in items]
    split = [name.split("_") for name, _ in items]
    shared = 0
    while all(len(s) > shared + 1 and s[shared] == split[0][shared] for s in split):
        shared += 1
    return ["_".join(s[shared:]) for s in split]


def camel(tag):
    return "".join(word.capitalize() for word in tag.split("_"))


def functions_text():
    lines = [HEAD, '"""Every exported function: its result and its parameters, in C\'s words."""\n',
             "FUNCTIONS = {"]
    for name, (result, parameters) in sorted(functions().items()):
        line = f'    "{name}": ("{result}", {parameters!r}),'.replace("'", '"')
        if len(line) > 100:
            line = f'    "{name}": (\n        "{result}", [\n'
            line += "".join(f'            "{p}",\n' for p in parameters) + "        ]),"
        lines.append(line)
    return "\n".join(lines + ["}", ""])


def enums_text():
    lines = [HEAD, '"""Every public enum. Values are the library\'s; see the headers for what they mean."""',
             "from ._words import Flags, Words", ""]
    for tag, items in sorted(enums().items()):
        base = "Flags" if tag.endswith("_flag") else "Words"
        lines += ["", f"class {camel(tag)}({base}):", f'    """enum lsvm_{tag}"""']
        lines += [f"    {short} = {value}"
                  for short, (_, value) in zip(short_names(tag, items), items)]
        lines.append("")
    names = sorted(camel(tag) for tag in enums())
    lines += ["", "__all__ = ["] + [f'    "{name}",' for name in names] + ["]", ""]
    return "\n".join(lines)


def main():
    good = True
    for path, text in ((HERE / "lsvm/_functions.py", functions_text()),
                       (HERE / "lsvm/enums.py", enums_text())):
        if "--check" not in sys.argv:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            print(f"{path}: not as the headers say; run bindings/python/generate.py")
            good = False
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
