"""The service: takes records in, seals batches, anchors them, exports packages.

Layers: `core` is pure; `usecases` say what happens in which order; `adapters` are the sole importers
of their libraries; `compose` wires them. Every hash rule comes from `verifier.format`.
"""
