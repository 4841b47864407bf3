"""Hyper-parameters in a YAML file beside a log: Lightning's `hparams.yaml`, the `args.yaml` of YOLO and timm."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

FILES = ("hparams.yaml", "args.yaml", "opt.yaml")
SCALAR = re.compile(r"""([A-Za-z_][\w./-]*):\s+["']?([^"'#\[\]{}!&*|>]+?)["']?\s*(?:#.*)?""")
"""A param with a plain value; nested ones, lists and Python objects say nothing that is looked for."""
NAMES = {"lr0": "lr", "opt": "optimizer", "batch": "batch_size", "bs": "batch_size"}
"""Names that YOLO and timm give to what others call otherwise."""


def params_beside(path: Path) -> dict[str, str]:
    """The plain values in the params file in the same folder; empty without one."""
    for name in FILES:
        try:
            text = (path.parent / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        return read_params(text)
    return {}


def read_params(text: str) -> dict[str, str]:
    r"""The plain values at the top level of a YAML text.

    >>> read_params("lr0: 0.01\nmodel:\n  depth: 3\noptimizer: 'SGD'  # or Adam")
    {'lr': '0.01', 'optimizer': 'SGD'}
    """
    found = (SCALAR.fullmatch(line.rstrip()) for line in text.splitlines())
    return renamed({match[1]: match[2] for match in found if match})


def renamed(params: Mapping[str, str]) -> dict[str, str]:
    """The params under their usual names, unless those are there too."""
    return {NAMES[name] if name in NAMES and NAMES[name] not in params else name: value for name, value in params.items()}
