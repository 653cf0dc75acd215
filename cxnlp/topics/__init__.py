"""Topics: pure functions on matrices and texts; BERTopic is loaded only where a fit runs, in a process of its own.

space.py        document vectors without what they share, without their language, and in the end without what does not tell topics apart
sampling.py     the records of a large corpus that topics are discovered on
discovery.py    vectors to groups: BERTopic with UMAP and HDBSCAN
merging.py      how many of these groups are one topic
kept.py         what a fit has found on its way, for the same fit begun anew
labels.py       words, name and quotes of a topic: c-TF-IDF, phrases, variety
naming.py       names from an OpenAI-compatible endpoint of the user's
hierarchy.py    which topics are alike
layout.py       a map of topics, the same way up after each fit
assign.py       the nearest topic of a record, or none
fit.py          all of these in a row
matching.py     new clusters to permanent topic ids
job.py          a fit in a process of its own, with progress and cancelling
"""
