"""Networks that nobody here made, with weights that come inside an ordinary package, and what they say."""
