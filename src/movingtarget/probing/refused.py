"""What a probe says when it cannot measure."""


class CannotMeasure(ValueError):
    """The network, its loss, batches or optimiser are nothing that can be measured; one line says why."""
