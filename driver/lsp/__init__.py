"""The language server: what editors show about `.loom` files. The only place that knows pygls and lsprotocol.

`documents` holds the open texts, `analysis` what was found out about them; `hover`, `completion`, `calls` and
`navigation` answer questions about offsets of a text; `server` speaks the protocol.
"""
