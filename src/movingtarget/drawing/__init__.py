"""What figures share: the one style, curves, labels, axes, names and looks."""
