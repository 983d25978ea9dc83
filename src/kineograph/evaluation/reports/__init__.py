"""Reports: what a benchmark found, as tables, plots and pages."""
