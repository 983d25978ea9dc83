"""The pages of the study: what raters and whoever runs it see."""
