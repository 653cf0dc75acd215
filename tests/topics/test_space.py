import numpy as np

from cxnlp.topics.space import find_space

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
