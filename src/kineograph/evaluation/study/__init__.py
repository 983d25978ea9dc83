"""The human study: pairs of videos, raters, votes and what they say."""
