"""Invented complaints and clustered vectors."""

import numpy as np

REFUND = (
    "My refund is late, two weeks and nothing",
    "Still no refund for the returned jacket, the refund is so late",
    "refund late again, who do I call about the refund?",
    "They promised a refund in five days, it is late",
    "Late refund. Please check my refund [ORDER]",
    "When will the refund arrive? It is late already",
    "The refund was late and the amount was wrong",
)
COURIER = (
    "快递延误了一个星期，包裹还没到",
    "快递延误太久，打了三次客服电话 [PHONE]",
    "包裹又延误了，快递一直没有更新",
    "快递延误，水果都坏了",
    "说好次日到，快递延误五天",
    "快递延误也没有人通知我，包裹在哪里",
    "这次快递延误，下次不会再买了",
)
MIXED = (
    "app 闪退 after the update，根本打不开 app",
    "更新以后 app 一打开就闪退，please fix",
    "app crash，每次点支付就闪退",
    "The app 闪退 when I open the 购物车",
    "app 闪退三次了，update 之前是好的",
    "闪退！app 更新以后没法用",
)


def clusters(n_clusters: int, n_each: int, *, seed: int = 7, dim: int = 48, spread: float = 0.06) -> tuple[np.ndarray, np.ndarray]:
    """Return (n, dim) unit vectors in tight groups inside a narrow cone, as a sentence encoder's lie, and (n,) their group, in mixed order."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(n_clusters, dim)) * 0.15 + np.ones(dim) / 2
    truth = rng.permutation(np.repeat(np.arange(n_clusters), n_each))
    vectors = centres[truth] + rng.normal(size=(len(truth), dim)) * spread
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), truth


def texts_of(truth: np.ndarray) -> list[str]:
    """Return a distinct text a row, with words of its group."""
    subjects = ("refund", "courier", "发票", "jacket", "coffee", "会员", "projector", "toothbrush")
    verbs = ("delayed", "broken", "开错", "shrunk", "burnt", "涨价", "flickers", "stopped")
    return [f"{subjects[group % 8]} {verbs[group % 8]} v{_letters(row)}" for row, group in enumerate(truth)]


def _letters(number: int) -> str:
    """Digits do not make a text another one."""
    return "".join("abcdefghij"[int(digit)] for digit in str(number))
