"""What the page "Actionness" is made of."""
