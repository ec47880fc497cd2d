"""What MMEngine's Config.fromfile makes of config files, for tools/src/configs/main.ts to compare with.

    python3 mmengine_configs.py OUT.jsonl ROOT...

Writes a line for every config file below the roots: {"file", "value"} or {"file", "error"}. Python's kinds are kept apart: an int is
["i", 1], a float its eight bytes ["f", "3ff0000000000000"], a list ["l", [...]], a tuple ["t", [...]], a set ["s", [...]], a dict ["d", [[key, value], ...]].
"""

import json
import os
import struct
import sys
import warnings

from mmengine.config import Config

warnings.filterwarnings("ignore")


def text_of(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def encoded(value):
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return ["i", value]
    if isinstance(value, float):
        return ["f", struct.pack(">d", value).hex()]
    if isinstance(value, dict):
        pairs = [[encoded(key), encoded(inner)] for key, inner in value.items()]
        return ["d", sorted(pairs, key=lambda pair: text_of(pair[0]))]
    if isinstance(value, (set, frozenset)):
        return ["s", sorted((encoded(inner) for inner in value), key=text_of)]
    if isinstance(value, tuple):
        return ["t", [encoded(inner) for inner in value]]
    if isinstance(value, list):
        return ["l", [encoded(inner) for inner in value]]
    raise TypeError(f"a {type(value).__name__} in the config")


def resolved(file):
    try:
        config = Config.fromfile(file, import_custom_modules=False)
        return {"file": file, "value": encoded(config.to_dict())}
    except Exception as error:  # whatever MMEngine throws is its answer
        text = (str(error).splitlines() or [""])[0]
        return {"file": file, "error": f"{type(error).__name__}: {text}"}


def files_below(roots):
    for root in roots:
        for folder, folders, names in os.walk(root):
            folders.sort()
            for name in sorted(names):
                # A metafile lists models; it is no config.
                if name.endswith((".py", ".json", ".yaml", ".yml")) and name != "metafile.yml":
                    yield os.path.join(folder, name)


if __name__ == "__main__":
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        for path in files_below(sys.argv[2:]):
            print(text_of(resolved(path)), file=out)
