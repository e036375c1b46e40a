"""What a probe says when it cannot measure."""


class CannotMeasure(ValueError):  # noqa: N818
    """The network, its loss, batches or optimiser are nothing that can be measured; one line says why."""
