"""The watch-folder agent: takes records where they come about and sends them on (docs/agent.md).

`scan` finds what is new, `tables` reads files that grow, `journal` keeps what waits, `deliver` sends it,
`signing` signs it, `watch` is the loop. Nothing of the service is loaded but its importers and its client.
"""
