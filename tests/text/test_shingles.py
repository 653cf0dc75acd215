import numpy as np
import pytest

from cxnlp.text.copies import essence
from cxnlp.text.shingles import join, near_copies, outlines, signatures

_ZH = "您好，我上周在你们官网买的净水器到现在都没有发货，问了三次客服都说在催，到底什么时候能发出来，再不发我就要申请退款了"
_EN = "I ordered a water filter from your site last week and it still has not shipped, support keeps telling me to wait another day"
_SIGNED_CHARACTERS = 64


def _jaccard(one, other):
    first, second = (set(o.shingles.tolist()) for o in outlines([one, other]))
    return len(first & second) / len(first | second)


def _groups(texts):
    outlined = outlines(texts)
    signed = signatures([essence(text) for text in texts])
    return near_copies(signed, lambda pairs: np.array([outlined[a].is_near(outlined[b]) for a, b in pairs.tolist()], np.bool_)).tolist()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (_ZH, _ZH.replace("净水器", "扫地机")),
        (_EN, _EN.replace("filter", "kettle")),
        (_ZH, "转发：" + _ZH + " 谢谢"),
        (_EN, f"RT @shop: {_EN[:-8]}"),
    ],
)
def test_one_word_more_or_less_is_a_near_copy(one, other):
    assert _groups([one, other]) == [0, 0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (_ZH, _EN),
        (_ZH, "净水器的滤芯换了以后水有怪味，客服让我多冲几次，冲了一个星期还是一样，你们检查一下吧"),
        (_EN, "The coffee machine from your site leaks at the bottom and support wants me to pay for the return label"),
        ("客服态度很好，问题解决得很快，我对这次的服务非常满意，谢谢", "客服态度很好，问题解决得很快，我对这次的服务非常不满意，谢谢"),
        ("I am satisfied with the way in which you solved this for me", "I am not satisfied with the way in which you solved this for me"),
    ],
)
def test_different_complaints_stay_apart(one, other):
    assert _groups([one, other]) == [0, 1]


def test_signatures_agree_in_the_share_of_common_shingles():
    texts = [_EN, _EN.replace("filter", "kettle"), _EN.replace("water filter", "coffee grinder").replace("another day", "for it")]
    for other in texts[1:]:
        one, second = signatures([essence(_EN), essence(other)])
        assert (one == second).mean() == pytest.approx(_jaccard(_EN, other), abs=0.2)
    assert signatures([essence(_EN)]).shape == (1, _SIGNED_CHARACTERS)


def test_signatures_do_not_depend_on_the_texts_beside_them():
    texts = [essence(text) for text in (_ZH, "", "好", _EN, _ZH * 300, "a", "不好")]
    together = signatures(texts)
    assert np.array_equal(together, np.concatenate([signatures([text]) for text in texts]))
    assert [bool(row.any()) for row in together] == [True, False, False, True, True, False, True]


def test_texts_without_shingles_are_alone():
    assert _groups(["a", "b", "", "好"]) == [0, 1, 2, 3]


def test_many_near_copies_are_one_group_with_few_comparisons():
    names = [
        one + two + three for one in "王李张刘陈杨赵黄周吴徐孙胡" for two in "小晓大文志建国明丽静海春秋" for three in "红兰梅军伟强芳娜敏燕龙飞"
    ]
    texts = [f"亲爱的{name}：{_ZH}" for name in names] + [_EN]
    assert len(names) == 2_028
    outlined = outlines(texts)
    n_compared = 0

    def are_near(pairs):
        nonlocal n_compared
        n_compared += len(pairs)
        return np.array([outlined[a].is_near(outlined[b]) for a, b in pairs.tolist()], np.bool_)

    groups = near_copies(signatures([essence(text) for text in texts]), are_near)
    assert np.count_nonzero(groups == 0) == 2_028 and groups[-1] == 2_028
    assert n_compared < 5 * len(texts)


def test_what_is_joined_by_way_of_others_is_one():
    assert join(np.arange(6), np.array([[4, 5], [0, 1], [1, 4]])).tolist() == [0, 0, 2, 3, 0, 0]
    assert join(np.arange(2), np.zeros((0, 2), np.int64)).tolist() == [0, 1]
    assert near_copies(signatures([]), lambda pairs: np.ones(len(pairs), np.bool_)).tolist() == []
