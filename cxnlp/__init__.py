"""Feedback mining for Chinese and English, whole on one machine.

Rooms, from the bottom up:

    records, errors          what every room speaks
    lines                    a record as JSON
    jobs                     a computation in a process of its own
    taxonomy, filters        labels; which records a question is about
    text                     language, cleaning, clauses, tokens
    ingest privacy encoder heads index store topics feeds insight evaluation charts     the rooms: they know records, never each other
    pipeline                 Feedback -> Analysis; pure
    service                  the order of I/O
    settings, bootstrap      Settings -> Service
    cli, api/                translate only
"""

__version__ = "0.1.0"
