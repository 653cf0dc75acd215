"""The HTTP interface: parse, one service call, shape.

main.py        the application, opened and closed with its service
security.py    who may: keys, roles, and what loopback means
errors.py      every error as an RFC 9457 problem
limits.py      how large a body may be
headers.py     what every answer carries, and what happens when one fails
metrics.py     what Prometheus reads
bodies.py      JSON in and out, and streams of lines
queries.py     filters as query parameters
schemas.py     request bodies, with examples
routes/        one module a noun
"""
