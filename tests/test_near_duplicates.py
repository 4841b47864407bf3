from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from bvtrack.splits.near_duplicates.images import (
    LEAK_RATIO,
    LOOK_RATIO,
    NearDuplicates,
    describe_images,
    near_duplicate_embeddings,
    near_duplicates,
)
from bvtrack.splits.near_duplicates.texts import describe_texts, near_duplicate_texts

Images = NDArray[np.uint8]

N_EARLIER = 1500


def pictures(n: int, seed: int, channels: int = 3) -> Images:
    """Smooth noise `[n, 32, 32, channels]`, of the spectrum of natural pictures."""
    random = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(32)[:, None], np.fft.rfftfreq(32))
    frequency[0, 0] = np.inf
    noise = np.fft.irfft2(np.fft.rfft2(random.normal(size=(n, channels, 32, 32))) / frequency, s=(32, 32))
    scaled = 128 + 40 * noise / noise.std(axis=(2, 3), keepdims=True)
    images: Images = scaled.clip(0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
    return images


def as_jpeg(image: Images) -> Images:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=75)
    return np.array(Image.open(file), dtype=np.uint8)


def brightened(image: Images) -> Images:
    return (image * 1.2 + 10).clip(0, 255).astype(np.uint8)


def less_contrast(image: Images) -> Images:
    return (image * 0.8 + 30).astype(np.uint8)


def shifted(image: Images) -> Images:
    moved: Images = np.pad(image, [(2, 0), (0, 2), (0, 0)], mode="edge")[:32, 2:]
    return moved


def shifted_into_black(image: Images) -> Images:
    moved: Images = np.pad(image, [(0, 1), (2, 0), (0, 0)])[1:, :32]
    return moved


def all_of_it(image: Images) -> Images:
    return as_jpeg(brightened(shifted(image)))


def words(n: int, seed: int) -> list[str]:
    return [f"word{number}" for number in np.random.default_rng(seed).permutation(100_000)[:n]]


@pytest.fixture(scope="module")
def earlier() -> Images:
    return pictures(N_EARLIER, seed=0)


@pytest.mark.parametrize("change", [as_jpeg, brightened, less_contrast, shifted, shifted_into_black, all_of_it])
def test_changed_copies_are_leaks_and_other_pictures_are_none(earlier: Images, change: Any) -> None:
    copies = np.array([change(image) for image in earlier[100:150]])
    later = np.concatenate([pictures(250, seed=1), copies])

    found = near_duplicates(describe_images(earlier), describe_images(later))

    leaks = found.is_leak
    assert found.later[leaks].min() >= 250
    assert (found.earlier[leaks] == found.later[leaks] - 150).all()
    assert leaks.sum() >= 48


def test_where_all_look_alike_nothing_is_found() -> None:
    one = pictures(1, seed=2)[0].astype(float)
    alike = one + np.random.default_rng(0).normal(scale=3, size=(200, *one.shape))

    found = near_duplicates(describe_images(alike[:150]), describe_images(alike[150:]))

    assert len(found.later) == 0


def test_of_two_copies_the_one_of_the_same_colour_is_nearer() -> None:
    grey = np.repeat(pictures(100, seed=5, channels=1), 3, axis=3).astype(float)
    red = np.add(grey, [40, -20, -20])

    found = near_duplicates(describe_images(np.concatenate([grey, red])), describe_images(1.2 * red))

    assert found.earlier[found.is_leak].tolist() == list(range(100, 200))


def test_found_ratios_are_up_to_the_one_worth_a_look(earlier: Images) -> None:
    random = np.random.default_rng(0)
    blends = [weight * earlier[i] + (1 - weight) * earlier[i + 500] for i, weight in enumerate(random.uniform(0.5, 1, 100))]

    found = near_duplicates(describe_images(earlier), describe_images(np.array(blends)))

    assert 0 <= found.ratio.min() < LEAK_RATIO < found.ratio.max() <= LOOK_RATIO
    assert (found.is_leak == (found.ratio <= LEAK_RATIO)).all()


@pytest.mark.parametrize(
    ("ratios", "n_leaks"),
    [
        ([], 0),
        ([0.3, 0.4], 0),
        ([0.1, 0.3, 0.4], 1),
        ([0.1, 0.25, 0.3, 0.4], 4),
        ([0.1, 0.26, 0.41, 0.5], 2),
        ([0.1, 0.45, 0.5], 1),
    ],
)
def test_where_most_are_not_surely_near_only_the_sure_ones_are_leaks(ratios: list[float], n_leaks: int) -> None:
    indices = np.arange(len(ratios))

    assert NearDuplicates(indices, indices, np.array(ratios, np.float32)).n_leaks == n_leaks


def test_constant_images_are_near_nothing() -> None:
    descriptors = describe_images(np.concatenate([pictures(50, seed=3), np.full((20, 32, 32, 3), 7, np.uint8)]))

    found = near_duplicates(descriptors[:60], descriptors[60:])

    assert len(found.later) == 0


def test_a_descriptor_depends_on_its_image_alone(earlier: Images) -> None:
    together = describe_images(earlier[:300])

    one_by_one = np.concatenate([describe_images(earlier[i : i + 1]) for i in range(300)])

    assert np.abs(together.astype(int) - one_by_one).max() <= 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_a_descriptor_does_not_depend_on_the_range_of_values(dtype: type) -> None:
    images = pictures(20, seed=4)

    of_others = describe_images(images.astype(dtype) * dtype(3) - dtype(200))

    assert np.abs(of_others.astype(int) - describe_images(images)).max() <= 1


def test_channels_may_come_first_and_may_be_missing() -> None:
    images = pictures(20, seed=4, channels=1)

    described = describe_images(images)

    assert (describe_images(images.transpose(0, 3, 1, 2)) == described).all()
    assert (describe_images(images[..., 0]) == described).all()


@pytest.mark.parametrize("shape", [(3, 1, 1), (3, 8, 8), (3, 224, 160, 3), (2, 3, 300, 5), (0, 28, 28)])
def test_images_of_any_size_have_descriptors_of_123_bytes(shape: tuple[int, ...]) -> None:
    images = np.random.default_rng(0).random(shape)

    assert describe_images(images).shape == (shape[0], 123)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([], r"\[n, height, width\]"),
        (np.zeros((5, 784)), r"got float64 \[5, 784\]"),
        (np.zeros((5, 32, 32, 5)), "4 channels at most"),
        (np.zeros((5, 0, 32)), r"\[5, 0, 32\]"),
        (np.zeros((5, 4, 4), dtype=complex), "got complex"),
        (np.full((5, 4, 4), np.nan), "finite"),
        (np.full((5, 4, 4), np.inf), "finite"),
    ],
)
def test_what_is_no_images_is_refused(images: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        describe_images(images)


@pytest.mark.parametrize("n_earlier", [0, 1, 9])
def test_fewer_than_10_earlier_examples_are_refused(n_earlier: int) -> None:
    descriptors = describe_images(pictures(20, seed=0))

    with pytest.raises(ValueError, match=f"10 earlier examples at least.*got {n_earlier}"):
        near_duplicates(descriptors[:n_earlier], descriptors)


def test_10_earlier_examples_are_enough() -> None:
    descriptors = describe_images(pictures(10, seed=0))

    assert near_duplicates(descriptors, descriptors).earlier.tolist() == list(range(10))


def test_of_no_later_examples_none_are_found() -> None:
    descriptors = describe_images(pictures(20, seed=0))

    assert len(near_duplicates(descriptors, descriptors[:0]).later) == 0


@pytest.mark.parametrize("descriptors", [np.zeros((20, 64), np.uint8), np.zeros((20, 123)), np.zeros(123, np.uint8), [[1, 2]]])
def test_what_is_no_descriptors_is_refused(descriptors: Any) -> None:
    with pytest.raises(ValueError, match=r"uint8 \[n, 123\] from describe_images"):
        near_duplicates(describe_images(pictures(20, seed=0)), descriptors)


def test_embeddings_that_hardly_differ_are_leaks() -> None:
    random = np.random.default_rng(0)
    earlier, others = random.normal(size=(1000, 32)), random.normal(size=(50, 32))
    later = np.concatenate([others, 3 * earlier[:50] + random.normal(scale=0.1, size=(50, 32))])

    found = near_duplicate_embeddings(earlier, later)

    assert found.later.tolist() == list(range(50, 100))
    assert found.earlier.tolist() == list(range(50))


@pytest.mark.parametrize(
    ("later", "message"),
    [(np.zeros((5, 7)), r"\[20, 8\] and \[5, 7\]"), (np.full((5, 8), np.nan), "finite"), (np.full((5, 8), 1e300), "finite")],
)
def test_embeddings_that_cannot_be_compared_are_refused(later: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        near_duplicate_embeddings(np.eye(20, 8), later)


def test_texts_with_a_few_other_words_are_leaks_in_any_order() -> None:
    texts = [words(200, seed) for seed in range(200)]
    later = [" ".join(sorted(text[:190]) + words(10, seed=999)).upper() for text in texts[:50]]
    others = [" ".join(words(200, seed)) for seed in range(1000, 1050)]

    found = near_duplicate_texts(describe_texts([" ".join(text) for text in texts]), describe_texts(later + others))

    assert found.later[found.is_leak].tolist() == list(range(50))
    assert found.earlier[found.is_leak].tolist() == list(range(50))


@settings(max_examples=30, deadline=None)
@given(st.integers(min_value=140, max_value=200))
def test_the_similarity_is_that_of_the_sets_of_words(n_shared: int) -> None:
    some = words(400 - n_shared, seed=1)
    one, other = describe_texts([" ".join(some[:200]), " ".join(some[200 - n_shared :])])

    found = near_duplicate_texts(one[None], other[None])

    jaccard = n_shared / (400 - n_shared)
    assert (found.similarity == pytest.approx(jaccard, abs=0.15)) or jaccard < 0.85


def test_short_texts_are_not_compared() -> None:
    signatures = describe_texts(["yes and no"] * 3 + ["one two three four five six seven eight nine"])

    assert len(near_duplicate_texts(signatures, signatures).later) == 0


def test_a_text_of_10_words_finds_itself_among_thousands_alike() -> None:
    text = "one two three four five six seven eight nine ten"

    found = near_duplicate_texts(describe_texts([text] * 3000), describe_texts([text]))

    assert (found.earlier.tolist(), found.later.tolist(), found.similarity.tolist()) == ([0], [0], [1.0])


def test_no_texts_are_near_none() -> None:
    signatures = describe_texts([" ".join(words(20, seed=0))])

    assert len(near_duplicate_texts(describe_texts([]), signatures).later) == 0
    assert len(near_duplicate_texts(signatures, describe_texts([])).later) == 0


@pytest.mark.parametrize("texts", ["a text on its own", [3], [None], [b"bytes"]])
def test_what_is_no_texts_is_refused(texts: Any) -> None:
    with pytest.raises(ValueError, match="expected"):
        describe_texts(texts)


def test_what_is_no_signatures_is_refused() -> None:
    with pytest.raises(ValueError, match=r"uint8 \[n, 128\] from describe_texts"):
        near_duplicate_texts(describe_images(pictures(20, seed=0)), describe_texts([]))
