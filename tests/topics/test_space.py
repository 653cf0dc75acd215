import numpy as np

from cxnlp.topics.space import find_space, sharpen

from .samples import clusters


def two_languages():
    vectors, truth = clusters(4, 30)
    shift = np.zeros(48, np.float32)
    shift[0] = 0.5
    is_chinese = np.arange(len(truth)) % 2 == 0
    texts = ["付款失败了" if chinese else "the payment failed" for chinese in is_chinese]
    return vectors + is_chinese[:, None] * shift, truth, texts, is_chinese


def test_the_language_of_a_text_does_not_show_in_its_point():
    vectors, _, texts, is_chinese = two_languages()
    points = find_space(vectors, texts).place(vectors)
    between = np.linalg.norm(points[is_chinese].mean(0) - points[~is_chinese].mean(0))
    assert between < 0.15 < np.linalg.norm(vectors[is_chinese].mean(0) - vectors[~is_chinese].mean(0))


def test_topics_stay_apart_when_the_language_is_removed():
    vectors, truth, texts, _ = two_languages()
    points = find_space(vectors, texts).place(vectors)
    cosines = points @ points.T
    same = truth[:, None] == truth
    assert cosines[same].mean() > 0.7
    assert cosines[~same].mean() < 0.2


def test_one_language_removes_only_the_mean():
    vectors, _ = clusters(3, 20)
    space = find_space(vectors, ["付款失败"] * 60)
    assert space.axes.shape == (0, 48)
    np.testing.assert_allclose(space.origin, vectors.mean(0), atol=1e-6)


def test_a_handful_of_documents_is_left_as_it_is():
    vectors, _ = clusters(2, 5)
    points = find_space(vectors, ["text"] * 10).place(vectors)
    np.testing.assert_allclose(points, vectors, atol=1e-6)


def test_points_have_unit_length_and_one_at_the_origin_is_zero():
    vectors, _ = clusters(3, 20)
    space = find_space(vectors, ["text"] * 60)
    np.testing.assert_allclose(np.linalg.norm(space.place(vectors), axis=1), 1, atol=1e-5)
    assert not space.place(space.origin[None]).any()


def test_equal_vectors_in_two_languages_have_no_axis():
    vectors = np.ones((30, 4), np.float32)
    space = find_space(vectors, ["付款"] * 15 + ["payment"] * 15)
    assert space.axes.shape == (0, 4)
    assert np.isfinite(space.place(vectors)).all()


def noisy_in_one_direction():
    """Two groups along one axis, and much more spread, the same in both, along another."""
    rng = np.random.default_rng(9)
    truth = np.arange(400) % 2
    vectors = rng.normal(size=(400, 20)) * 0.05
    vectors[:, 0] += np.where(truth, 0.3, -0.3)
    vectors[:, 1] += rng.normal(size=400) * 0.5
    return vectors.astype(np.float32), truth


def nearest(points, truth):
    centroids = np.stack([points[truth == k].mean(0) for k in range(2)])
    return (points @ (centroids / np.linalg.norm(centroids, axis=1, keepdims=True)).T).argmax(1)


def test_what_differs_within_groups_no_longer_hides_them():
    vectors, truth = noisy_in_one_direction()
    space = find_space(vectors, ["text"] * 400)
    sharp = sharpen(space, vectors, truth)
    before, after = ((placed @ placed.T)[truth[:, None] == truth].mean() for placed in (space.place(vectors), sharp.place(vectors)))
    assert after > before + 0.1
    assert (nearest(sharp.place(vectors), truth) == truth).mean() > 0.98


def test_the_language_stays_removed_in_a_sharpened_space():
    vectors, truth, texts, is_chinese = two_languages()
    sharp = sharpen(find_space(vectors, texts), vectors, truth)
    points = sharp.place(vectors)
    assert np.linalg.norm(points[is_chinese].mean(0) - points[~is_chinese].mean(0)) < 0.2
    of_language = find_space(vectors, texts).axes[0]
    np.testing.assert_allclose(sharp.place(vectors) @ of_language, 0, atol=1e-5)


def test_groups_of_copies_leave_the_space_as_it_is():
    vectors = np.repeat(clusters(3, 1)[0], 20, axis=0)
    space = find_space(vectors, ["text"] * 60)
    assert sharpen(space, vectors, np.repeat(np.arange(3), 20)) is space


def test_axes_shorten_and_never_lengthen():
    vectors, truth = noisy_in_one_direction()
    axes = sharpen(find_space(vectors, ["text"] * 400), vectors, truth).axes
    lengths = np.linalg.norm(axes, axis=1)
    assert lengths.max() <= 1 + 1e-6
    products = axes @ axes.T
    np.testing.assert_allclose(products - np.diag(np.diag(products)), 0, atol=1e-5)
