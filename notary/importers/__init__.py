"""Importers: from a source's file to rows, purely (docs/spec/column-map.md).

`recognise.recognise` says which importer a file is for; each importer is an iterator of `ImportedRow` and
`Reject`. Nothing here writes, asks the time or raises for bad input: bad input is a `Reject`.
"""
