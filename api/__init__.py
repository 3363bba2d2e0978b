"""HTTP edge: routes, wire schemas and problem documents. No rule of evidence lives here."""
