"""Checks evidence packages offline, without trusting whoever made them.

`verifier.format` holds every hash rule and nothing else; `verifier.check` holds the
numbered steps of docs/spec/verification.md. Nothing here imports the service.
"""
