"""Topics: fits of them, and what comes after.

model.py         a fit as it is asked for: items.py what is grouped, clauses.py, jobs.py progress, splits.py one topic anew
naming.py        names from an endpoint of the user's
work.py          what a fit leaves when it is killed, for the next one
fitting.py       what came of a fit: matching.py permanent ids, models.py spaces and centroids, changes.py new, grown, split, merged, gone
versions.py      compare, activate, roll back
placement.py     the topic of a record as it is analysed
renewal.py       the active topics in the vectors of another encoder
emergence.py     topics between fits
curation.py      what people make of topics
views.py         hierarchy, likeness, map
exporting.py     topics and their members as files
"""
