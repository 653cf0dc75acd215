import numpy as np

from cxnlp.topics.matching import OldTopic, match

AXES = np.eye(6, dtype=np.float32)


def old(topic_id, axis, members):
    return OldTopic(topic_id, AXES[axis], members)


def test_a_cluster_with_the_same_members_keeps_the_id():
    before = [old("t-1", 0, {"a", "b", "c"}), old("t-2", 1, {"d", "e"})]
    assert match(AXES[[1, 0]], [{"d", "e"}, {"a", "b", "c"}], before) == ["t-2", "t-1"]


def test_a_new_cluster_gets_an_id_beyond_the_highest_ever_used():
    before = [old("t-3", 0, {"a", "b"})]
    assert match(AXES[[0, 1, 2]], [{"a", "b"}, {"x"}, {"y"}], before, highest=17) == ["t-3", "t-18", "t-19"]
    assert match(AXES[[0, 1]], [{"a", "b"}, {"x"}], before) == ["t-3", "t-4"]


def test_the_first_fit_numbers_from_one():
    assert match(AXES[:2], [{"a"}, {"b"}], []) == ["t-1", "t-2"]


def test_of_a_split_topic_the_larger_part_keeps_the_id():
    before = [old("t-1", 0, set("abcdefghij"))]
    assert match(AXES[[0, 0]], [set("abc"), set("defghij")], before) == ["t-2", "t-1"]


def test_of_merged_topics_the_larger_lends_its_id():
    before = [old("t-1", 0, set("abc")), old("t-2", 0, set("defghij"))]
    assert match(AXES[:1], [set("abcdefghij")], before) == ["t-2"]


def test_members_weigh_more_than_centroids():
    before = [old("t-1", 0, set("abcd")), old("t-2", 1, set("efgh"))]
    assert match(AXES[[1, 0]], [set("abcd"), set("efgh")], before) == ["t-1", "t-2"]


def test_the_best_sum_wins_over_the_best_single_pair():
    before = [old("t-1", 0, set("abcdef")), old("t-2", 1, set("ghij"))]
    # The first cluster fits both, the second only t-1.
    new = [set("abcghij"), set("def")]
    assert match(AXES[[0, 0]], new, before) == ["t-2", "t-1"]


def test_fits_on_other_records_are_matched_by_centroid():
    before = [old("t-1", 0, {"a", "b"}), old("t-2", 1, {"c"})]
    near = np.array([[0.1, 0.99, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0]], np.float32)
    assert match(near, [{"x", "y"}, {"z"}], before) == ["t-2", "t-3"]


def test_a_cluster_of_new_records_does_not_take_over_a_topic_for_one_shared_member():
    before = [old("t-1", 0, {f"o{i}" for i in range(50)})]
    new = [{f"n{i}" for i in range(50)} | {"o0"}, {f"o{i}" for i in range(1, 50)}]
    assert match(AXES[[1, 0]], new, before) == ["t-2", "t-1"]


def test_ids_are_never_given_twice():
    rng = np.random.default_rng(5)
    records = [f"r{i}" for i in range(300)]
    before_of, now_of = rng.integers(0, 6, 300), rng.integers(0, 6, 300)
    before = [old(f"t-{k + 1}", k, {r for r, b in zip(records, before_of, strict=True) if b == k}) for k in range(6)]
    ids = match(AXES, [{r for r, b in zip(records, now_of, strict=True) if b == k} for k in range(6)], before)
    assert len(set(ids)) == 6


def test_no_clusters_give_no_ids():
    assert match(np.zeros((0, 6), np.float32), [], [old("t-1", 0, {"a"})]) == []
