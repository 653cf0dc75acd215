"""Topics: pure functions on matrices and texts; BERTopic is loaded only where a fit runs, in a process of its own.

space.py        document vectors without what they share and without the language they are in
discovery.py    vectors to dense groups: BERTopic with UMAP and HDBSCAN
labels.py       the words and the name of a topic: c-TF-IDF, phrases, variety
assign.py       the nearest topic of a record, or none
fit.py          all of these in a row
matching.py     new clusters to permanent topic ids
job.py          a fit in a process of its own, with progress and cancelling
"""
