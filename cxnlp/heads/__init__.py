"""Vectors to meaning: sentiment, intent, observations with quotes, risks, satisfaction.

network.py        the trained network, in numpy
decoding.py       its scores to an Analysis
conversation.py   satisfaction of conversations
trajectory.py     how the feeling moves through a conversation
fewshot.py        labels that only a description and examples define
examples.py       what a retrain learns from
job.py            a retrain in a process of its own
retraining.py     the retrain; imports torch
trainable.py      the network and its loss in torch; also used by training/
"""

from cxnlp.heads.decoding import Passage, ShippedHeads
from cxnlp.heads.network import Network, load_network, read_network

__all__ = ["Network", "Passage", "ShippedHeads", "load_network", "read_network"]
