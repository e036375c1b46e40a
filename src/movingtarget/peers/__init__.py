"""What tools that look for faults say of a case, ours and published ones, in the probe's words."""

from movingtarget.peers import cockpit, probe, torchdiag, torchmortem

__all__ = ["cockpit", "probe", "torchdiag", "torchmortem"]
