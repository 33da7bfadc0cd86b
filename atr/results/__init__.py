"""One pass over a list of clips whatever is asked, and its result on disk."""
