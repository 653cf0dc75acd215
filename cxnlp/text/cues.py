"""Words that begin or end a clause, in Chinese (Simplified) and English; written for cxnlp."""

from typing import Final


def _listed(words: str) -> frozenset[str]:
    return frozenset(word.replace("_", " ") for word in words.split())


ABBREVIATIONS: Final = _listed("""
    mr mrs ms dr prof sr jr st vs no nr inc ltd co corp dept approx est fig vol tel ext min max incl excl jan feb mar apr jun jul aug sep sept oct
    nov dec mon tue wed thu fri sat sun e.g i.e a.m p.m u.s u.k ph.d
""")
"""Words after which a full stop ends no sentence."""

LEADS: Final = _listed("""
    首先 其次 再次 最后 另外 此外 总之 总的来说 总体来说 总体 总体上 整体来说 说实话 老实说 讲真 不过 但是 但 而且 可是 只是 可惜 还有 然后
    所以 因此 因为 如果 虽然 其实 当然 结果 后来 于是 反正 同时 一是 二是 三是 第一 第二 第三 建议 优点 缺点 唯一不足 不足之处 美中不足 除此之外
    尤其是 特别是 比如 例如 据说 听说 没想到 请问 你好 您好 亲 唉 哎 嗯 哦 哈哈
    however also unfortunately fortunately overall first firstly second secondly third finally lastly besides additionally moreover furthermore
    still anyway therefore and but so then yet plus sadly luckily honestly otherwise instead meanwhile though although because since hi hello dear
    hey ok well yes no please in_addition for_example for_instance in_fact of_course in_general on_the_plus_side on_top_of_that as_well
    to_be_honest even_worse
""")
"""What stands before a comma and belongs to the clause after it."""

FUNCTION_WORDS: Final = LEADS | _listed("on in at to for from with by of the a an i we you he she they it if when after before or what how")
"""English words with which no short item of a list begins."""

DEPENDENT_OPENERS: Final = frozenset("很不太也还都又就真挺最我你他她它没是有在这那和跟比如果但而且可再更好第非总会要想能先后")
"""Characters with which three Han characters are no clause of their own: 很不错, but 价格低."""

PARTICLES: Final = _listed("啊 呢 吧 呀 哦 吗 啦 嘛 哈 哒 噢 喔 哟 、 ： : / ) ） ” 」")
"""Tokens after which a run-on is best cut."""

CONNECTIVES: Final = _listed("""
    但 但是 不过 而且 并且 可是 可惜 只是 就是 还有 然后 另外 虽然 因为 所以 如果 结果 后来 现在 除了 尤其 至于 同时 没想到 希望 建议 感觉
    but however although because except unfortunately
""")
"""Tokens before which a run-on is best cut."""

SUBJECTS: Final = _listed("""
    我 我们 他 她 他们 你 你们 它 这 这个 那 客服 老板 店家 卖家 商家 服务员 快递 质量 价格 味道 房间 前台 也 还 又 都 就 却 才 再 只 没有 今天
    昨天 第二天 （ ( and which when if so then while where who i we they he she it
""")
"""Tokens before which a run-on may be cut."""

PREPOSITIONS: Final = _listed("for with to after before as that in at on by from until")
"""Tokens before which a run-on is cut rather than anywhere."""

BOUND: Final = _listed("了 着 过 的 地 得 吗 呢 吧 啊 呀 哦 啦 嘛 一 一个 两 几 一次 一下 个 次 点 些 ， 。 、 ! ?")
"""Tokens that belong to what stands before them."""
