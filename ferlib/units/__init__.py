"""Action Units: the network that finds them, the regions where they act, and scores of where it looks."""
