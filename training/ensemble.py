"""Several heads as one network: their hidden units stand side by side and their outputs are averaged (Lakshminarayanan et al. 2017).

What one seed learnt by chance, others do not, above all of rare labels.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from cxnlp.heads.trainable import Heads, LabelSet

_OF_WHOLE = ("sentiment", "intent", "presence")
_OF_CLAUSE = ("touchpoint", "cause", "feeling", "risk")


def merge(members: Sequence[Heads], labels: LabelSet) -> Heads:
    """Return the network whose logits are the mean of the members', to rounding; vectors are standardised as the first member does it."""
    first = members[0]
    dim = len(first.document_mean)
    merged = Heads(dim, labels, sum(one.document.out_features for one in members), 0.0, first.sharpness)
    state = merged.state_dict() | {name: value for name, value in first.state_dict().items() if name.endswith(("_mean", "_scale"))}
    layers = [_restandardised(one, first) for one in members]
    state |= {name: torch.cat([layer[name] for layer in layers]) for name in layers[0]}
    n = len(members)
    for name in (*_OF_WHOLE, *_OF_CLAUSE):
        weights = [getattr(one, name).weight for one in members]
        parts = 3 if name in _OF_WHOLE else 1  # of the document, and the mean and maximum of the clauses
        cut = [weight.chunk(parts, 1) for weight in weights]
        state[f"{name}.weight"] = torch.cat([of_one[part] for part in range(parts) for of_one in cut], 1) / n
        state[f"{name}.bias"] = torch.stack([getattr(one, name).bias for one in members]).mean(0)
    state["pair"] = torch.stack([one.pair for one in members]).mean(0)
    merged.load_state_dict({name: value.detach() for name, value in state.items()})
    return merged.eval()


def _restandardised(one: Heads, first: Heads) -> dict[str, Tensor]:
    """Return the first layer of a network for vectors that another one has standardised."""
    found = {}
    shift = {}
    for name, vectors in (("document", "document"), ("clause", "clause"), ("context", "document")):
        mean, scale = (getattr(one, f"{vectors}_{of}") for of in ("mean", "scale"))
        own_mean, own_scale = (getattr(first, f"{vectors}_{of}") for of in ("mean", "scale"))
        weight = getattr(one, name).weight
        found[f"{name}.weight"] = weight * (scale / own_scale)
        shift[name] = weight @ ((own_mean - mean) * scale)
    found["document.bias"] = one.document.bias + shift["document"]
    found["clause.bias"] = one.clause.bias + shift["clause"] + shift["context"]
    return found
