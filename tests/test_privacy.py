import json
import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxnlp.privacy import PLACEHOLDER, Masker, is_card, is_resident_id

MASKED = [
    # phones: mainland
    ("电话13800138000", "电话[PHONE]"),
    ("我的号码是 138-0013-8000，谢谢", "我的号码是 [PHONE]，谢谢"),
    ("手机138 0013 8000请回电", "手机[PHONE]请回电"),
    ("+86 13800138000 打不通", "[PHONE] 打不通"),
    ("+86-138-0013-8000", "[PHONE]"),
    ("(+86)13800138000", "[PHONE]"),
    ("008613800138000", "[PHONE]"),
    ("8613800138000是我", "[PHONE]是我"),
    ("１３８００１３８０００", "[PHONE]"),
    ("１３８－００１３－８０００", "[PHONE]"),
    ("一三八零零一三八零零零", "[PHONE]"),
    ("幺三八零零幺三八零零零这个号", "[PHONE]这个号"),
    ("tel13800138000", "tel[PHONE]"),
    ("13800138000wx同号", "[PHONE]wx同号"),
    ("13800138000，13900139000", "[PHONE]，[PHONE]"),
    ("13800138000/13900139000", "[PHONE]/[PHONE]"),
    ("座机0755-12345678没人接", "座机[PHONE]没人接"),
    ("打(010)62345678", "打[PHONE]"),
    ("010-62345678转801", "[PHONE]"),
    ("021 6234 5678", "[PHONE]"),
    ("家里057188267266", "家里[PHONE]"),
    ("电话：62345678", "电话：[PHONE]"),
    ("致电8234 5678", "致电[PHONE]"),
    # phones: abroad
    ("+852 9123 4567", "[PHONE]"),
    ("852-91234567", "[PHONE]"),
    ("+886 912 345 678", "[PHONE]"),
    ("0912-345-678", "[PHONE]"),
    ("打(02)2345-6789", "打[PHONE]"),
    ("02-2345-6789", "[PHONE]"),
    ("call me at (415) 555-2671 please", "call me at [PHONE] please"),
    ("415-555-2671", "[PHONE]"),
    ("415.555.2671", "[PHONE]"),
    ("+1 415 555 2671", "[PHONE]"),
    ("1-415-555-2671", "[PHONE]"),
    ("+14155552671", "[PHONE]"),
    ("phone: 4155552671", "phone: [PHONE]"),
    ("+44 20 7946 0958", "[PHONE]"),
    ("+44 (0)20 7946 0958", "[PHONE]"),
    ("020 7946 0958", "[PHONE]"),
    ("07700 900123", "[PHONE]"),
    ("07700900123", "[PHONE]"),
    ("01632 960123", "[PHONE]"),
    ("0161 496 0000", "[PHONE]"),
    ("+65 9123 4567 on 12 Oct", "[PHONE] on 12 Oct"),
    ("+49 30 901820", "[PHONE]"),
    ("WhatsApp 447911123456", "WhatsApp [PHONE]"),
    # e-mail
    ("zhang.san@qq.com.谢谢", "[EMAIL].谢谢"),
    ("邮箱是abc_12@163.com，", "邮箱是[EMAIL]，"),
    ("Write to John.Smith+x@mail.example.co.uk!", "Write to [EMAIL]!"),
    ("ｚｓ＠qq.com", "[EMAIL]"),
    ("zs (at) example.com", "[EMAIL]"),
    ("<a@b.io>", "<[EMAIL]>"),
    ("12345678@qq.com", "[EMAIL]"),
    # resident ids
    ("身份证110101199003074514", "身份证[ID]"),
    ("11010519491231002X", "[ID]"),
    ("11010519491231002x。", "[ID]。"),
    ("110105 19491231 002X", "[ID]"),
    ("110101-19900307-4514", "[ID]"),
    ("１１０１０１１９９００３０７４５１４", "[ID]"),
    ("订单号110101199003074514", "订单号[ID]"),
    ("ID110101199003074514", "ID[ID]"),
    ("号码110101900307451吗", "号码[ID]吗"),
    ("身份证号：110101199003071234", "身份证号：[ID]"),
    ("HKID A123456(3)", "HKID [ID]"),
    ("身份證號碼：A123456789", "身份證號碼：[ID]"),
    ("SSN 078-05-1120", "SSN [ID]"),
    # passports
    ("护照E12345678", "护照[PASSPORT]"),
    ("EA1234567", "[PASSPORT]"),
    ("G12345678过期了", "[PASSPORT]过期了"),
    ("passport no X1234567", "passport no [PASSPORT]"),
    ("Passport number: 123456789.", "Passport number: [PASSPORT]."),
    ("护照号：K1234567A", "护照号：[PASSPORT]"),
    ("通行证号C12345678", "通行证号[PASSPORT]"),
    # cards
    ("4111111111111111", "[CARD]"),
    ("4111 1111 1111 1111", "[CARD]"),
    ("4111-1111-1111-1111", "[CARD]"),
    ("4111.1111.1111.1111", "[CARD]"),
    ("４１１１　１１１１　１１１１　１１１１", "[CARD]"),
    ("3782 822463 10005", "[CARD]"),
    ("378282246310005", "[CARD]"),
    ("5555555555554444，", "[CARD]，"),
    ("my order was paid with card 4111 1111 1111 1111 today", "my order was paid with card [CARD] today"),
    ("card4111111111111111", "card[CARD]"),
    ("4111 1111 1111 1111 123", "[CARD] 123"),
    ("卡号6222021234567890000", "卡号[CARD]"),
    ("card number: 1234 5678 9012 3456", "card number: [CARD]"),
    ("4111\u200b1111\u200b1111\u200b1111", "[CARD]"),
    ("1.4111111111111111", "1.[CARD]"),
    # plates
    ("京A12345", "[PLATE]"),
    ("沪A·12345乱停", "[PLATE]乱停"),
    ("粤B D12345", "[PLATE]"),
    ("粤BD12345", "[PLATE]"),
    ("粤B12345F", "[PLATE]"),
    ("京a12b45", "[PLATE]"),
    ("粤Z1234港", "[PLATE]"),
    ("湘Ａ８８８８８", "[PLATE]"),
    ("license plate ABC 1234", "license plate [PLATE]"),
    ("number plate: AB12 CDE", "number plate: [PLATE]"),
    ("车牌号：AB1234", "车牌号：[PLATE]"),
    # IP
    ("IP 192.168.1.10", "IP [IP]"),
    ("from 203.0.113.7:8080", "from [IP]:8080"),
    ("我的ip是8.8.8.8", "我的ip是[IP]"),
    ("2001:db8::1", "[IP]"),
    ("fe80::1ff:fe23:4567:890a", "[IP]"),
    ("2001:0db8:85a3:0000:0000:8a2e:0370:7334 down", "[IP] down"),
    ("::ffff:192.168.1.1", "[IP]"),
    ("http://10.20.30.4/login", "http://[IP]/login"),
    # accounts
    ("微信号：zhangsan_88", "微信号：[ACCOUNT]"),
    ("微信号zhangsan88", "微信号[ACCOUNT]"),
    ("微信：wxid_abc123", "微信：[ACCOUNT]"),
    ("微信abc12345", "微信[ACCOUNT]"),
    ("加我wx: abc_12345", "加我wx: [ACCOUNT]"),
    ("vx13800138000", "vx[ACCOUNT]"),
    ("加V：abcd123", "加V：[ACCOUNT]"),
    ("QQ:12345678", "QQ:[ACCOUNT]"),
    ("qq12345678", "qq[ACCOUNT]"),
    ("QQ号是 123456", "QQ号是 [ACCOUNT]"),
    ("扣扣897298710", "扣扣[ACCOUNT]"),
    ("my WeChat ID is zhang_san", "my WeChat ID is [ACCOUNT]"),
    ("wechat: zhangsan", "wechat: [ACCOUNT]"),
    # addresses
    ("我住在北京市朝阳区建国路88号SOHO现代城C座1801室，快来", "我住在[ADDRESS]，快来"),
    ("送到中山路12号门口", "送到[ADDRESS]门口"),
    ("寄到广东省深圳市南山区科技园南路5号3栋2单元501室", "寄到[ADDRESS]"),
    ("地址：上海市静安区南京西路１２３号", "地址：[ADDRESS]"),
    ("我在建国路八十八号", "我在[ADDRESS]"),
    ("阳光小区3栋502室漏水", "[ADDRESS]漏水"),
    ("3栋2单元501室", "[ADDRESS]"),
    ("台北市中山北路二段48號3樓", "[ADDRESS]"),
    ("九龍彌敦道123號", "[ADDRESS]"),
    ("愚园路100弄5号301室", "[ADDRESS]"),
    ("I live at 12 Baker Street", "I live at [ADDRESS]"),
    ("221B Baker Road, Apt 4 please", "[ADDRESS] please"),
    ("12 Baker Street, London NW1 6XE", "[ADDRESS]"),
    ("1600 Pennsylvania Avenue NW, Washington, DC 20500", "[ADDRESS]"),
    ("ship to 742 Evergreen Terrace.", "ship to [ADDRESS]."),
    ("350 5th Ave, Suite 3300", "[ADDRESS]"),
    ("Flat 3, 12 High Street", "[ADDRESS]"),
    ("at 12 main street now", "at [ADDRESS] now"),
    ("P.O. Box 1234", "[ADDRESS]"),
    # names
    ("我叫张三，电话没打通", "我叫[NAME]，电话没打通"),
    ("我叫李明我要投诉", "我叫[NAME]我要投诉"),
    ("我叫邓辉光，是货车司机", "我叫[NAME]，是货车司机"),
    ("姓名：王小明", "姓名：[NAME]"),
    ("姓名张伟电话", "姓名[NAME]电话"),
    ("联系人：欧阳娜娜", "联系人：[NAME]"),
    ("收件人 刘强，", "收件人 [NAME]，"),
    ("收件人:John Smith", "收件人:[NAME]"),
    ("姓名：买买提·艾力", "姓名：[NAME]"),
    ("我的名字是陈晓", "我的名字是[NAME]"),
    ("本人刘海利，男", "本人[NAME]，男"),
    ("我姓王", "我姓[NAME]"),
    ("感谢张先生和李小姐", "感谢[NAME]先生和[NAME]小姐"),
    ("客服王丽华女士", "客服[NAME]女士"),
    ("此致\n张伟", "此致\n[NAME]"),
    ("Dear Mr Smith", "Dear Mr [NAME]"),
    ("Mrs. O'Neil and Ms Chan", "Mrs. [NAME] and Ms [NAME]"),
    ("Dr. Jane Doe called", "Dr. [NAME] called"),
    ("my name is john smith and i want", "my name is [NAME] and i want"),
    ("My name is Mary-Ann Lee.", "My name is [NAME]."),
    ("Hi, I am called Peter", "Hi, I am called [NAME]"),
    ("this is John Smith speaking", "this is [NAME] speaking"),
    ("Name: Alice Brown", "Name: [NAME]"),
    ("Customer name: Bob Li", "Customer name: [NAME]"),
    ("Refund me.\nRegards,\nJohn Smith", "Refund me.\nRegards,\n[NAME]"),
    ("Kind regards, Anna", "Kind regards, [NAME]"),
    ("Thanks,\nTom B.\n", "Thanks,\n[NAME]\n"),
]

KEPT = [
    *("", " ", "[PHONE]", "[PHONE] [NAME]", "[", "我叫", "姓名：", "电话：", "@", "Mr ", "+", "物流太慢了，等了一个星期", "The room was clean."),
    *("订单号4111111111111111没到", "订单号：4111 1111 1111 1111", "order 4111111111111111 is late", "Order number: 4111111111111111"),
    *("运单号13800138000", "快递单号 75312345678901", "tracking no. 4111111111111111", "LM20261013-48211", "订单LM20261013-48211未发货"),
    *("YQ7712009381", "SF1234567890123", "运单号SF1234567890123", "order #113-1234567-1234567", "case 00123456", "ISBN 9787111128069"),
    *("10086", "打12315投诉", "95588不接电话", "10010没人", "call 911", "拨打110", "400-820-8888打不通", "电话4008205789", "电话95588"),
    *("价格1299元", "¥1,299.00", "$129.99", "原价13999现价12999", "1299 1399 1499 1599", "共100000000元", "手机2999 3999两款"),
    *("2026-10-13", "2026年10月13日", "20261013", "2026/10/13 08:30", "12:30:45", "2026-10-13T08:30:00Z", "2026-10-13T08:30:00+08:00"),
    *("电话2026-10-13打的", "12::30", "5.5寸", "1920x1080", "XL码", "180/96A", "7.14.21.28", "数量1000000", "100%", "99.9%", "4.5分", "5/5"),
    *("CA1234延误", "flight BA2490", "MU5101", "iPhone 15 Pro Max", "RTX4090", "i7-13700K", "SM-G9980", "v1.2.3.44", "版本 12.0.1.2"),
    *("iOS 17.4.1", "更新到3.2.1.5后闪退", "version 10.0.19045.1", "1.2.3.4", "3.141592653589793", "116.39742812345678", "5151105766522837"),
    *("北京", "上海南京路步行街很热闹", "在中山路吃饭", "地铁2号线10号口", "3号楼", "住8楼", "酒店2号楼308房", "里程3号", "这里3号到货", "知道3号"),
    *("10 minutes walking down the road", "Oxford Street was busy", "5 star hotel", "2 way street", "room 1204", "Gate 12", "20 Minutes On The Way"),
    *("my name is not showing", "My name is spelled wrong", "Regards,\nCustomer Service Team", "Product name: Apple Watch", "Mr Bean", "I miss you"),
    *("Dr Pepper", "我叫了外卖", "我叫滴滴", "联系人电话没写", "收件人名字写错了", "先生您好", "女士优先", "联系方式不对", "姓名和电话都错了"),
    *("微信支付失败", "微信登录不上", "QQ音乐", "wechat is broken", "支付宝扣款", "@VirginAmerica thanks", "评分5@3", "a@b", "好评@客服"),
    *("新A4不错", "苏E很好", "全新MacBook", "E1234567", "12345678", "一二三四五六七", "三百五十块", "Windows 11", "2019 2020 2021 2022"),
    *("std::vector", "aa:bb:cc:dd:ee:ff", "6901234567892", "1065510105766522836", "尺寸 100*200*300", "时间8:00-20:00", "3-5天", "第123456位"),
]


@pytest.fixture(scope="module")
def masker():
    return Masker()


def test_the_tables_are_large_enough():
    assert len(MASKED) + len(KEPT) >= 170


@pytest.mark.parametrize(("text", "expected"), MASKED, ids=[repr(text) for text, _ in MASKED])
def test_masks(masker, text, expected):
    assert masker.mask(text) == expected
    assert masker.mask(expected) == expected


@pytest.mark.parametrize("text", KEPT, ids=[repr(text) for text in KEPT])
def test_keeps(masker, text):
    assert masker.mask(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("订单号LM20261013-48211", "订单号[ORDER]"),
        ("单号YQ7712009381，", "单号[ORDER]，"),
        ("LM20261013-48211", "[ORDER]"),
        ("运单SF1234567890123到了", "运单[ORDER]到了"),
        ("order #4111111111111111", "order #[ORDER]"),
        ("tracking number: 1Z999AA10123456784", "tracking number: [ORDER]"),
        ("订单号110101199003074514", "订单号[ID]"),
        ("order was late", "order was late"),
        ("订单2件", "订单2件"),
    ],
)
def test_masks_orders_where_told_to(text, expected):
    assert Masker(mask_orders=True).mask(text) == expected


def resident_id(rng):
    body = f"{rng.choice([11, 31, 44, 51, 65])}{rng.randint(1, 99):02}{rng.randint(1, 99):02}"
    body += f"{rng.randint(1940, 2015)}{rng.randint(1, 12):02}{rng.randint(1, 28):02}{rng.randint(1, 999):03}"
    total = sum(w * int(d) for w, d in zip((7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), body, strict=True))
    return body + "10X98765432"[total % 11]


def card(rng):
    prefix, length = rng.choice(
        [("4", 13), ("4", 16), ("51", 16), ("55", 16), ("622202", 16), ("622202", 19), ("34", 15), ("37", 15), ("6011", 16), ("36", 14)]
    )
    body = prefix + "".join(rng.choices("0123456789", k=length - 1 - len(prefix)))
    total = sum(sum(divmod(int(d) * (2 - i % 2), 10)) for i, d in enumerate(reversed(body)))
    return body + str(-total % 10)


CONTEXTS = ["{}", "我的是{}，", "卡{}", "no. {} please", "（{}）", "是：{}。", "abc {} 2026-10-13", "\n{}\n", "他说{}然后", "it is {}, ok"]
CONTEXTS += ["13800138000,{}"]
WIDE = str.maketrans("0123456789X", "０１２３４５６７８９Ｘ")


def grouped(rng, number, sizes):
    gap = rng.choice([" ", "-", "　", "–", "\u00a0"])
    parts, start = [], 0
    for size in sizes:
        parts.append(number[start : start + size])
        start += size
    return gap.join(part for part in [*parts, number[start:]] if part)


def test_finds_every_valid_resident_id(masker):
    rng = random.Random(20261013)
    for _ in range(500):
        number = resident_id(rng)
        assert is_resident_id(number)
        spaced = grouped(rng, number, rng.choice([[6, 8], [4] * 4]))
        written = rng.choice([number, number.lower(), number.translate(WIDE), spaced])
        masked = masker.mask(rng.choice(CONTEXTS).format(written))
        assert "[ID]" in masked and written not in masked, written


def test_finds_every_valid_card(masker):
    rng = random.Random(48211)
    for _ in range(500):
        number = card(rng)
        assert is_card(number)
        written = rng.choice([number, number, number.translate(WIDE), grouped(rng, number, [4] * 4), grouped(rng, number, [4] * 4)])
        context = rng.choice(CONTEXTS)
        masked = masker.mask(context.format(written))
        assert masked == context.format("[CARD]").replace("13800138000", "[PHONE]"), (context, written)


def test_does_not_take_numbers_with_a_wrong_check_digit(masker):
    rng = random.Random(7)
    for _ in range(200):
        number = card(rng)
        wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
        if not is_resident_id(wrong):
            assert "[CARD]" not in masker.mask(f"是{wrong}")


def test_masks_all_in_order(masker):
    assert masker.mask_all(["a@b.com", "好", "13800138000"]) == ["[EMAIL]", "好", "[PHONE]"]


def test_masks_values_at_any_depth(masker):
    value = {
        "phone": 13800138000,
        "excel_phone": 13800138000.0,
        "note": ["call 13800138000", {"deep": "4111111111111111"}],
        "联系人": "张三",
        "customer_name": "Alice Brown",
        "name": "Apple Watch",
        "order_id": 4111111111111111,
        "created_at": 1760000000003,
        "price": 1299.5,
        "ok": True,
        "none": None,
        "pair": (1, "a@b.com"),
        13: "x",
    }
    assert masker.mask_value(value) == {
        "phone": "[PHONE]",
        "excel_phone": "[PHONE]",
        "note": ["call [PHONE]", {"deep": "[CARD]"}],
        "联系人": "[NAME]",
        "customer_name": "[NAME]",
        "name": "Apple Watch",
        "order_id": 4111111111111111,
        "created_at": 1760000000003,
        "price": 1299.5,
        "ok": True,
        "none": None,
        "pair": (1, "[EMAIL]"),
        13: "x",
    }
    assert masker.mask_value(masker.mask_value(value)) == masker.mask_value(value)
    assert masker.mask_value("13800138000") == "[PHONE]"
    assert masker.mask_value(4111111111111111) == "[CARD]"


FRAGMENT_LIST = (
    "13800138000|138-0013-8000|+86|+1 415 555 2671|1|12|345|0|86|010|-| |.|,|，|:|：|\n|(|)|a|b@c.com|@|x|"
    "4111111111111111|4111 1111 1111 1111|110101199003074514|京A12345|192.168.1.1|2001:db8::1|E12345678|微信|wx|QQ|"
    "号|是|abc_12345|我叫|张三|先生|姓名|联系人|建国路|88号|3栋|2单元|北京市|12 Baker Street|Apt 4|London NW1 6XE|"
    "Mr |Smith|my name is |john |Regards,\n|订单号|order |LM20261013-48211|电话|tel|路|弄|小区|#|/|_|+|[PHONE]|[|]|"
    "一三八零零一三八零零零|\u200b|４|卡号|护照|车牌|v|IP |女士|Road"
)
FRAGMENTS = FRAGMENT_LIST.split("|")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x), max_leaves=8
)


@given(st.one_of(st.text(), st.lists(st.sampled_from(FRAGMENTS), max_size=9).map("".join)), st.booleans())
@settings(max_examples=400, deadline=None)
def test_masking_twice_is_masking_once(text, mask_orders):
    masker = Masker(mask_orders=mask_orders)
    masked = masker.mask(text)
    assert masker.mask(masked) == masked


def test_finds_at_once_what_masking_a_neighbour_uncovers(masker):
    for text in ("微信LM20261013-48211_一三八零零一三八零零零", "aTeamb@c.com.b@c.com[NAME]", "a@b.com.b@c.com" * 40):
        masked = masker.mask(text)
        assert masker.mask(masked) == masked


@given(JSON)
@settings(max_examples=100, deadline=None)
def test_masks_any_json_value(value):
    json.dumps(Masker().mask_value(value))


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=9).map("".join))
@settings(max_examples=200, deadline=None)
def test_keeps_placeholders_whole(text):
    found = PLACEHOLDER.findall(text)
    masked = PLACEHOLDER.findall(Masker().mask(text))
    assert len(masked) >= len(found)


@pytest.mark.parametrize(
    "unit",
    ["1", "1 ", "1234 ", "a@", "13800138000-", "4111111111111111.", "我叫", "联系人：", "路5号", "my name is ", "订单号1 ", "1 Aa ", "王先生"],
)
def test_the_time_grows_no_faster_than_the_text(masker, unit):
    def seconds(n_characters):
        text = (unit * (n_characters // len(unit) + 1))[:n_characters]
        started = time.process_time()
        masker.mask(text)
        return time.process_time() - started

    # Four times the text takes four times as long, or sixteen times where the time grows with the square; least of three, for noise.
    short, long = (min(seconds(n) for _ in range(3)) for n in (50_000, 200_000))
    assert long < 10 * short + 0.01
