"""The p-values of `two_sample` are those of SciPy's own distributions, which take half a second to load."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2_contingency, norm, pearson3

from bvtrack.splits.comparing.two_sample import _pearson_iii, class_tests

GENERATOR = np.random.default_rng(0)


def test_skewed_differences_have_the_p_values_of_a_pearson_distribution() -> None:
    z, skew = GENERATOR.normal(0, 3, 500), GENERATOR.normal(0, 30, 500)
    n_a, n_b = (GENERATOR.integers(50, 5000, 500).astype(float) for _ in range(2))
    of_difference = skew * (n_a - n_b) / np.sqrt(n_a * n_b * (n_a + n_b))
    expected = np.minimum(1, 2 * np.minimum(pearson3.sf(z, of_difference), pearson3.cdf(z, of_difference)))

    assert _pearson_iii(z, skew, n_a, n_b) == pytest.approx(expected, rel=0.01, abs=1e-12)


def test_differences_without_skew_have_those_of_a_normal_one() -> None:
    z, n = np.linspace(-6, 6, 25), np.full(25, 100.0)

    assert _pearson_iii(z, np.full(25, 5.0), n, n) == pytest.approx(2 * norm.sf(abs(z)))


def test_class_shares_have_those_of_chi_squared() -> None:
    tables = GENERATOR.integers(50, 90, (4, 2, 6))
    one, other = (
        {f"column {number}": dict(zip("abcdef", row, strict=True)) for number, row in enumerate(rows)}
        for rows in tables.transpose(1, 0, 2).tolist()
    )
    counts = {name: (one[name], other[name]) for name in one}
    (test,) = class_tests(counts, "names")

    assert test.p_values == pytest.approx([chi2_contingency(table, correction=False).pvalue for table in tables])


def test_columns_of_one_class_never_differ() -> None:
    (test,) = class_tests({"one": ({"a": 50}, {"a": 70}), "two": ({"a": 50, "b": 50}, {"a": 90, "b": 10})}, "names")

    assert (test.p_values[0], test.p_values[1] < 1e-6) == (1, True)
