"""What networks are called in figures that show the convolutional one beside the families."""

from movingtarget.families import FAMILIES


def network_name(network: str) -> str:
    """The title of a family, or of the convolutional network its own name.

    >>> network_name("batch-norm"), network_name("convolutional")
    ('batch norm', 'convolutional')
    """
    return FAMILIES[network].title if network in FAMILIES else network
