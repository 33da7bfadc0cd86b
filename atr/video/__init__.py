"""Videos: which frames of a clip are shown, decoding, cutting and normalising them, writing films."""
