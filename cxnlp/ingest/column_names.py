"""Which names of columns mean which field of the record format, in Chinese and English."""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from cxnlp.records import RATING_RANGES

FIELDS: Final = (
    *("text", "title", "turns", "conversation", "external_id", "source", "channel", "created_at", "updated_at"),
    *("rating", "rating.scale", *(f"rating.{scale}" for scale in RATING_RANGES), "customer.id", "customer.segment", "attributes"),
)
SHORT_FIELDS: Final[Mapping[str, str]] = {
    "id": "external_id",
    "customer": "customer.id",
    "segment": "customer.segment",
    "subject": "title",
    "scale": "rating.scale",
    **{scale: f"rating.{scale}" for scale in RATING_RANGES},
}
# Names that mean the field whatever else is there.
_STRONG: Final[Mapping[str, tuple[str, ...]]] = {
    "text": (
        *("text", "comment", "comments", "review", "review_text", "review_body", "review_content", "content", "body", "message", "feedback"),
        *("description", "verbatim", "comment_text", "feedback_text", "ticket_text", "answer", "response_text", "post", "tweet"),
        *(
            "评论",
            "评价",
            "内容",
            "反馈",
            "描述",
            "文本",
            "正文",
            "留言",
            "评论内容",
            "评价内容",
            "反馈内容",
            "工单内容",
            "问题描述",
            "投诉内容",
            "意见",
        ),
        *("評論", "評價", "內容", "反饋", "回饋", "留言內容"),
    ),
    "title": ("title", "subject", "headline", "review_title", "summary", "标题", "主题", "标题内容", "標題", "主題"),
    "turns": ("turns", "对话轮次"),
    "conversation": ("conversation", "dialogue", "dialog", "transcript", "messages", "对话", "会话", "聊天记录", "通话记录", "對話"),
    "external_id": (
        *("external_id", "ticket_id", "review_id", "comment_id", "feedback_id", "record_id", "response_id", "case_id", "message_id", "ticket_number"),
        *("编号", "工单号", "工单编号", "评论编号", "记录编号", "評論編號", "編號", "工單號"),
    ),
    "source": ("source", "来源", "来源系统", "來源"),
    "channel": ("channel", "渠道", "通道", "反馈渠道"),
    "created_at": (
        *("created_at", "created", "created_time", "created_date", "creation_date", "create_time", "submitted", "submitted_at", "submission_date"),
        *("timestamp", "datetime", "review_date", "review_time", "posted_at", "published_at", "received_date", "date_created", "date_time"),
        *("创建时间", "提交时间", "评论时间", "评价时间", "反馈时间", "发布时间", "创建日期", "評論時間", "建立時間"),
    ),
    "updated_at": (
        "updated_at",
        "updated",
        "updated_time",
        "update_time",
        "modified",
        "modified_at",
        "last_updated",
        "更新时间",
        "修改时间",
        "更新時間",
    ),
    "rating": ("rating", "review_rating", "overall_rating", "评分", "打分", "評分"),
    "rating.scale": ("rating_scale", "评分类型"),
    "rating.stars": ("stars", "star", "star_rating", "rating_stars", "星级", "星数", "星級"),
    "rating.nps": ("nps", "nps_score", "rating_nps", "推荐度", "推荐意愿", "净推荐值"),
    "rating.csat": ("csat", "csat_score", "rating_csat", "满意度", "满意度评分", "滿意度"),
    "rating.ces": ("ces", "ces_score", "rating_ces", "费力度", "费力度评分", "费力程度"),
    "customer.id": ("customer_id", "customer", "client_id", "客户", "客户编号", "客户id", "顾客", "顾客编号", "会员号", "客戶", "客戶編號"),
    "customer.segment": (
        "segment",
        "customer_segment",
        "customer_type",
        "user_segment",
        "客户类型",
        "客户分群",
        "客户分层",
        "细分",
        "会员等级",
        "客戶類型",
    ),
    "attributes": ("attributes",),
}
# Names that mean the field only where no other column does.
_WEAK: Final[Mapping[str, tuple[str, ...]]] = {
    "external_id": ("id", "序号", "號碼", "key"),
    "created_at": ("date", "time", "日期", "时间", "時間"),
    "rating": ("score", "得分", "分数", "rating_value", "overall"),
    "customer.id": ("user", "user_id", "username", "reviewer_id", "author_id", "用户", "用户id", "用户编号", "用戶"),
}
STRONG_NAMES: Final[Mapping[str, str]] = {name: field for field, names in _STRONG.items() for name in names}
WEAK_NAMES: Final[Mapping[str, str]] = {name: field for field, names in _WEAK.items() for name in names}


@lru_cache(maxsize=4096)
def normalize(column: str) -> str:
    """Return a name of a column in lower case with `_` between words: `createdAt`, `Created At` and `created-at` are the same."""
    name = unicodedata.normalize("NFKC", column).strip()
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[\s\-./:]+", "_", re.sub(r"\s*\(.*\)\s*$", "", name)).strip("_").casefold()
