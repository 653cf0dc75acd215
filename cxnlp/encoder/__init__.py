"""Text to vectors: one pass gives the token states from which document and clause vectors are pooled.

windows.py    a text's tokens, cut into windows that fit the model, packed into batches of like length
graph.py      the transformer as an OpenVINO graph, built from the shipped weights
shipped.py    the encoder that ships under models/encoder
external.py   any sentence-transformers model in its place
pooling.py    token states to document and clause vectors
"""

from cxnlp.encoder.pooling import Document, Encoded, encode
from cxnlp.encoder.shipped import ShippedEncoder
from cxnlp.encoder.windows import States, Window

__all__ = ["Document", "Encoded", "ShippedEncoder", "States", "Window", "encode"]
