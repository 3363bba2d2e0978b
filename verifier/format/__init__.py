"""The evidence format: the one definition of every hash rule (docs/spec/format.md, anchor.md).

Pure: no input or output, no clock, no randomness. Parsers raise `FormatError` and nothing
else, whatever the bytes; checks return a frozen result or raise, never a bare bool.
Modules are imported one by one, so that a caller pays only for what it uses. Values are
NamedTuples, for the reason in `verifier.check`; `_replace` copies one without its checks.
"""
