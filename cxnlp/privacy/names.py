"""Personal names after the usual cues: titles, "my name is", labels of forms, signatures."""

import re
from collections.abc import Iterator

from cxnlp.privacy.spans import Span, spans_of

_COMMON = (
    "李王张刘陈杨黄赵吴周徐孙马朱胡郭林何罗郑梁谢宋唐许韩冯邓曹彭曾萧肖田董潘袁蔡蒋余杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖贾韦夏付邹熊孟秦邱侯江尹薛闫段雷龙黎史陶贺"
    "毛郝顾龚邵万覃武钱戴严莫孔汤張劉陳楊黃趙吳孫馬許鄧蕭葉蘇呂盧鐘譚陸範賈鄒嚴龔顧賀閻韓馮鄭羅謝蔣"
)
_RARE = (
    "高于石金白方向常康易安乔施温伍洪季文华柯葛齐樊岳俞章鲁倪殷骆庄左申凌欧祝涂柴牛柳耿关辛管焦童甘聂裴翟毕兰阮路宁卜蓝裘缪柏褚简霍路项柳盛童鲍傅卞娄滕丛晏包谷詹苗"
    "颜车单花成时尚米戚屈冉冷祁诸池应冀卓连游全闵房梅佟解仇喻艾邢费符庞盖阎栾桂纪邬"
)
_SURNAMES = frozenset(_COMMON + _RARE)
_DOUBLE = "欧阳|歐陽|司马|司馬|上官|诸葛|諸葛|皇甫|尉迟|公孙|慕容|令狐|司徒|夏侯|长孙|宇文|轩辕|端木|独孤|南宫|呼延|东方"
_GIVEN = r"(?:[㐀-䶵一-鿿](?<![我你他她它您的是了吗呢吧啊呀这那哪谁们在号手机]))"
_AFTER = (
    r"(?=[^㐀-鿿·]|\Z|电话|手机|联系|聯絡|身份|证件|住|来自|家住|今年|是|我|想|要|的|在|先生|女士|小姐|同志|老师|希望|现|于|之|买|订|投诉|反映|和|及|与|您好|你好"
    r"|这|有|为|从|今|去|对|已|请|因|不|没|被|也|会|收|地址|性别|年龄|，)"
)
_COMMON_NAME = rf"(?:{_DOUBLE}|[{_COMMON}])"
_SURNAME = rf"(?:{_DOUBLE}|[{_COMMON}{_RARE}])"
_END = r"(?=[^㐀-鿿·]|\Z)"
_FULL = rf"(?:{_SURNAME}(?:{_GIVEN}{{2}}{_END}|{_GIVEN}{{1,2}}?{_AFTER})|{_COMMON_NAME}{_GIVEN}{{1,2}})"
_NOT_NAME = (
    r"(?!安[装排检保全慰]|方[便法面式向案]|高[铁德兴端峰速]|何[时必况处]|成[功为了]|时[候间]|白[吃来等跑]|车[辆子牌]|单[号子]|花[呗店]|美团|金[额拱]|马[上路桶]|米[饭线]|文件|全[部家]|应该|连[接续]"
    r"|关[于闭]|解[决释]|包[装裹]|于是|任[何务]|许[多可]|余额|简[单直]|曾经|万[一达]|符合|谢谢|程[序度]|江[西苏]|云南|武汉|龙[虾井]|黄[金焖]|毛[肚病利]|牛[肉奶]|华[为夏]|盛大|温[度馨]|唐山|和|向[你您我])"
)
_LATIN = r"(?:[A-Z][A-Za-z'’\-\u00c0-\u024f]{1,24}|[A-Z](?:\.|(?=[ ]))(?![A-Za-z]))"
_SURE_CUE = (
    r"(?=[姓联聯收寄发持乘入预订投被户戶签署申经举反车])(?:姓名|联系人|聯絡人|联络人|收件人|收货人|收貨人|寄件人|发件人|寄件者|收件者"
    r"|持卡人|乘机人|入住人|预订人|预定人|订票人|投保人|被保险人|户名|戶名|签名|署名|申请人|经办人|投诉人|举报人|反映人|车主姓名)"
)
_NOBODY = r"(?!匿名|不详|保密|未知|无|略|必填|如下|先生|女士|你|您|我|本人)"
_FOREIGN = r"[㐀-鿿]{2,4}(?:·[㐀-鿿]{2,6})"
_LABELLED = re.compile(
    rf"{_SURE_CUE}[ ]?(?:[:=]|是|为|為|叫)[ ]?:?[ ]?{_NOBODY}"
    rf"(?P<value>{_FULL}|{_FOREIGN}+|[㐀-鿿]{{2,4}}(?![㐀-鿿])|{_LATIN}(?:[ ]{_LATIN}){{0,3}})"
)
_BARE = re.compile(
    rf"(?:{_SURE_CUE}[ ]?:?[ ]?{_NOT_NAME}(?={_SURNAME})|(?:乘客|旅客|业主|客户|本人|车主|机主)[ ]?:?[ ]?{_NOT_NAME}(?={_COMMON_NAME}))"
    rf"(?P<value>(?:{_DOUBLE}|.){_GIVEN}(?:{_GIVEN}{{0,1}}?(?=[^㐀-鿿·]|\Z|电话|手机|联系|身份)))"
)
_CALLED = re.compile(
    r"(?:我叫做?|我的名字[是叫]|我名叫|本人名叫|本人叫|我名字[是叫]|全名[是叫]|真名[是叫])[ ]?:?[ ]?"
    rf"{_NOT_NAME}(?P<value>{_FULL}|{_FOREIGN}|{_LATIN}(?:[ ]{_LATIN}){{0,2}})"
)
_FAMILY = re.compile(rf"(?:我姓|免贵姓|免貴姓|本人姓)[ ]?(?P<value>{_SURNAME})")
_SIGNED_ZH = re.compile(
    rf"(?:敬礼|敬禮|敬上|此致|祝好|谢谢|投诉人|反映人)[!！。.， ]{{0,2}}\n\s{{0,20}}"
    rf"(?P<value>{_SURNAME}{_GIVEN}{{1,2}})(?=[ ]{{0,4}}(?:\n|\Z|\d{{4}}年|\d{{4}}-))"
)
_TITLE = re.compile(r"(?:先生|女士|小姐|太太)(?!们|們)")
_TITLED_FULL = re.compile(rf"(?:{_COMMON_NAME}{_GIVEN}{{1,2}}|(?:{_DOUBLE}))\Z")
_THREE = re.compile(rf"[{_COMMON}]{_GIVEN}{{2}}\Z")
_BEFORE_TITLE = re.compile(r"[㐀-鿿]{1,4}\Z")
_NOT_BEFORE = re.compile(r"(?:对方|[感谢多拜]谢|关于|任何|[前现]任|[于向时全连单包管解应成简尚文车路花常温关华易游盖米房费项])\Z")

_BRANDS = "|".join(
    """Pepper Martens? Strange Who Dre Oetker Jart Bean Clean Coffee Muscle Universe World Office Word Excel Robot Right Wrong President Chairman
    Manager Sir And The Driver Drive""".split()  # noqa: SIM905
)
_EN_TITLE = re.compile(
    rf"(?<![A-Za-z])(?:Mr|Mrs|Ms|Mx|Miss|MR|MRS|Dr|Prof)(?:\.[ ]?|[ ])(?!(?:{_BRANDS})(?![A-Za-z]))"
    rf"(?P<value>{_LATIN}(?:[ ](?:de|van|von|der|la|bin|al)){{0,2}}(?:[ ]{_LATIN}){{0,2}})"
)
_NOT_AFTER_IS = "|".join(
    """not spelled spelt misspelled misspelt wrong incorrect incorrectly missing on in the a an still being also different now listed
    no showing correct under and or what how too very never always just already only there here it this that my your mentioned
    written entered printed registered used changed shown displayed added removed out so cut all same longer from to for by as at
    of with but because i is was are who which when where why please calling mud both hard unique common difficult similar stated
    appearing included blank empty up off about if since have has had speaking would can could want need trying having am our we
    you they""".split()  # noqa: SIM905
)
_STOP = rf"(?!(?:{_NOT_AFTER_IS})(?![A-Za-z]))"
_WORD = r"[A-Za-z\u00c0-\u024f][A-Za-z'’\-\u00c0-\u024f]{0,24}"
_SPEAKING = r"this is(?=[ ](?-i:[A-Z])[a-z'\-]+(?:[ ](?-i:[A-Z])[a-z'\-]+)?[ ](?:speaking|calling))"
_MORE_NAME = rf"(?:[ ]{_STOP}(?-i:{_LATIN})){{1,3}}|[ ]{_STOP}{_WORD}(?=[ ]?(?:[,.!?;:\n()]|\Z|[ ](?:and|i|from|my)[ ,]))"
_MY_NAME = re.compile(
    r"(?=[MmFfLlIiTt])(?<![A-Za-z])(?:(?:my|full|maiden|last|first)[ ]?(?:full )?name(?:'s| is)"
    rf"|i am called|i'm called|i am named|they call me|{_SPEAKING})[ ]?:?[ ]{_STOP}(?P<value>{_WORD}(?:{_MORE_NAME})?)",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"(?:(?:^|[\n.;,|!?])[ ]{0,4}(?:Name|NAME|name)|(?i:(?<![A-Za-z])(?:full|first|last|customer|client|passenger|guest|contact|recipient|receiver"
    r"|card ?holder|account holder|policyholder|patient|member|driver)(?:'s)?[ ]name"
    r"|(?<![A-Za-z])(?:recipient|card ?holder|account holder|contact person|attn|signed|signature)))[ ]?\Z"
)
_LABEL_LENGTH = 32
_LABELLED_NAME = re.compile(rf"[:=][ ]?(?P<value>(?:(?:Mr|Mrs|Ms|Dr)\.?[ ])?{_LATIN}(?:[ ]{_LATIN}){{0,3}}|{_FULL})")
_COMPANY = "team|support|services?|customers?|department|sales|sent|manager|the|staff|hotels?|airlines?|inc|ltd"
_TEAM = rf"(?!(?:[A-Za-z'’.&\-]{{1,24}}[ ]){{0,5}}(?i:{_COMPANY})(?![A-Za-z]))"
_CLOSE_WARM = r"(?:(?:best|kind|warm|kindest|warmest|many)[ ])?"
_CLOSE = r"(?:regards|sincerely(?: yours)?|yours (?:sincerely|truly|faithfully))"
_SIGNED = re.compile(
    rf"(?=[BbKkWwMmRrSsYyCcTt])(?i:(?<![A-Za-z]){_CLOSE_WARM}"
    rf"(?:(?:{_CLOSE}|cheers|thanks|thank you|thx|best wishes|best|respectfully)[,.!]{{0,2}}[ ]{{0,3}}\r?\n\s{{0,20}}|{_CLOSE}[,.]?[ ]{{1,3}}))"
    rf"{_TEAM}(?P<value>{_LATIN}(?:[ ]{_LATIN}){{0,3}})(?=[ ]{{0,3}}(?:[\r\n]|\Z|,[ ]|\())"
)
# Patterns with many alternatives are slow; a literal search is not. Each pattern runs only where one of its words is there.
_CUES: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = (
    (("名", "人:", "人是", "人为", "人為", "人叫", "者", "人 "), _LABELLED),
    (("叫", "名字", "全名", "真名"), _CALLED),
    (("人", "名", "客", "主", "者"), _BARE),
    (("姓",), _FAMILY),
    (("\n",), _SIGNED_ZH),
)
_EN_CUES: tuple[tuple[tuple[str, ...], tuple[str, ...], re.Pattern[str]], ...] = (
    (("mr", "ms", "mx", "miss", "dr", "prof"), (" ", "."), _EN_TITLE),
    (("name", "calling", "speaking", "called", "call me"), (" is", "'s", " am", "'m", "call me"), _MY_NAME),
    (("name", "recipient", "holder", "contact", "attn", "sign"), (":", "="), _LABELLED_NAME),
    (("regards", "sincerely", "yours", "cheers", "thank", "thx", "wishes", "best", "respectfully"), ("\n", "regards", "sincerely", "yours"), _SIGNED),
)


def find_names(text: str) -> Iterator[Span]:
    """Yields personal names of folded text that a cue announces. A name without a cue is not found.

    Args:
        text: Folded text, everything with figures already blanked.

    Yields:
        Spans of the names, without cue and title.
    """
    if not text.isascii():
        for words, pattern in _CUES:
            if any(word in text for word in words):
                yield from spans_of("NAME", pattern, text)
        if any(word in text for word in ("先生", "女士", "小姐", "太太")):
            yield from _titled(text)
    low = text.lower()
    for words, marks, pattern in _EN_CUES:
        if any(word in low for word in words) and any(mark in low for mark in marks):
            for match in pattern.finditer(text):
                if pattern is not _LABELLED_NAME or _is_label(text, match.start()):
                    yield match.start("value"), match.end("value"), "NAME"


def _is_label(text: str, end: int) -> bool:
    """Says whether the words before a colon call for a name; the whole text is searched near its beginning, where a bare "Name" counts."""
    begin = end - _LABEL_LENGTH
    return bool(_LABEL.search(text, begin, end) if begin > 0 else _LABEL.search(text[:end]))


def _titled(text: str) -> Iterator[Span]:
    """Yields the name before 先生, 女士 and the like: a surname, or the whole name where a surname stands one or two characters earlier."""
    for title in _TITLE.finditer(text):
        before = _BEFORE_TITLE.search(text, max(0, title.start() - 4), title.start())
        if before and (name := _name_before(before.group())):
            yield title.start() - len(name), title.start(), "NAME"


def _name_before(word: str) -> str:
    """Returns the name that ends a word of 1 to 4 characters, or an empty text."""
    if len(word) > 2 and _THREE.search(word):
        return word[-3:]
    if word[-1] in _SURNAMES and not _NOT_BEFORE.search(word):
        return word[-1]
    found = _TITLED_FULL.search(word[-3:])
    return found.group() if found and len(found.group()) > 1 else ""
