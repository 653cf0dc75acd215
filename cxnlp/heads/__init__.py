"""Vectors to meaning: sentiment, intent, observations with quotes, risks, satisfaction.

network.py        the trained network, in numpy
decoding.py       its scores to an Analysis
conversation.py   satisfaction and trajectory of conversations
fewshot.py        labels that only a description and examples define
"""

from cxnlp.heads.decoding import Passage, ShippedHeads
from cxnlp.heads.network import Network, load_network

__all__ = ["Network", "Passage", "ShippedHeads", "load_network"]
