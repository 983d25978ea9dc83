"""What everything else is made of: tracks, boxes, cameras, timing, pictures and videos."""
