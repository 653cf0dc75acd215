"""From files and loose mappings to validated rows; nothing is stored or masked here.

read(path)  ->  Row | Rejection          readers, over text, delimited, jsontext, tables, transcripts
Columns.apply(values)                    columns: names in two languages -> the record format
parse(values, defaults)  ->  Feedback    validation: the one validator, for files and HTTP
load(reading, defaults)                  loading: the three in a row
"""
