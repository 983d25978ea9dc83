"""The page of a report: its template, its style, its script."""
