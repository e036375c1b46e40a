"""Training of stacks of members: the loop, and one file an update rule or a family of them."""
