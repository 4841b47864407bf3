"""A table with a little of everything, and what its profile must be wherever it is counted."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bvtrack import SplitProfile, profile

N_ROWS = 20_000


def customers(seed: int = 0, n: int = N_ROWS) -> pd.DataFrame:
    """Numbers, whole numbers and truths of which some are missing, names of which some are missing, and classes."""
    rng = np.random.default_rng(seed)
    amount = rng.normal(size=n)
    amount[::11] = np.nan
    table = pd.DataFrame({"amount": amount, "size": rng.lognormal(size=n).astype("float32"), "id": rng.integers(10**9, size=n)})
    table["visits"] = pd.array(rng.integers(50, size=n), "Int64")
    table.loc[::7, "visits"] = pd.NA
    table["member"] = pd.array(rng.random(n) < 0.3, "boolean")
    table.loc[::13, "member"] = pd.NA
    table["city"] = rng.choice(np.array(["Bonn", "Köln", None], object), n)
    table["churned"] = rng.integers(2, size=n)
    return table


def profile_of(table: pd.DataFrame, like: SplitProfile | None = None) -> SplitProfile:
    return profile(table.drop(columns="churned"), table["churned"], like=like)


def is_same(one: SplitProfile, other: SplitProfile) -> bool:
    """Bit for bit."""
    return one.digest == other.digest and one.to_json() == other.to_json()
