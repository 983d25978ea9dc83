"""What a person says about motion, one file a gesture, and the document that holds it."""
