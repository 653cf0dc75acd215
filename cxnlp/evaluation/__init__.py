"""How good the model is on labelled texts: reading labels, figures with intervals, the shipped regression set.

labelled.py    the labels of one row, checked
measures.py    what each text adds to each figure
scoring.py     labels and analyses -> figures with intervals
breakdown.py   labels and analyses -> a table of labels, the commonest confusions
cases.py       the regression set, cases.jsonl
floors.py      what the shipped model must reach on it, floors.json
"""
