"""Where studies compute that can use a graphics card: on it or on the processor."""

DEVICES = ("auto", "cpu", "cuda")
"""What the settings may say; auto is cuda where torch finds such a device, else cpu."""


def device_of(asked: str) -> str:
    """The device that a setting stands for on this machine, cpu or cuda.

    Raises:
        SettingsError: it is cuda, and torch finds none. One line.

    >>> device_of("cpu")
    'cpu'
    """
    if asked == "cpu":
        return "cpu"
    if _has_cuda():
        return "cuda"
    if asked == "auto":
        return "cpu"
    from movingtarget_workflow.settings import SettingsError  # a seventh of a second, in every job

    raise SettingsError(f"device is {asked}; allowed: auto or cpu, for torch finds no CUDA device here")


def device_name(asked: str) -> str:
    """What a run says that it computed on: the card's name, or cpu; cuda if the cards are on other machines.

    >>> device_name("cpu")
    'cpu'
    """
    if asked == "cpu" or not _has_cuda():
        return "cuda" if asked == "cuda" else "cpu"
    import torch

    return torch.cuda.get_device_name()


def _has_cuda() -> bool:
    import torch  # two seconds, for which a run on the CPU need not wait

    return torch.cuda.is_available()
