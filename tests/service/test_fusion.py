from cxnlp.service.fusion import Ranking, fuse


def test_who_is_in_both_rankings_comes_first():
    assert fuse([Ranking(["a", "b", "c"]), Ranking(["d", "b"])])[0] == "b"


def test_a_lone_first_place_stays_near_the_top():
    by_meaning = Ranking([f"m{i}" for i in range(100)])
    by_words = Ranking(["code", *(f"w{i}" for i in range(99))])
    assert fuse([by_meaning, by_words]).index("code") == 1


def test_a_light_ranking_gives_way():
    assert fuse([Ranking(["a", "b"]), Ranking(["c"], 0.1)]) == ["a", "b", "c"]


def test_equals_keep_the_order_of_the_first_ranking():
    assert fuse([Ranking(["b"]), Ranking(["a"])]) == ["b", "a"]


def test_nothing_ranked_is_nothing_found():
    assert fuse([Ranking([]), Ranking([])]) == []
