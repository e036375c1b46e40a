"""A training script with three lines added.

python -m examples.training_script
"""

import torch
from torch import nn

import movingtarget  # 1
from examples.digits import batches


def main(epochs=3):
    """Train a perceptron; look at it after its first epoch."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)
    )
    loss, data = nn.CrossEntropyLoss(), batches()
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    for epoch in range(epochs):
        for images, labels in data:
            optimiser.zero_grad()
            value = loss(network(images), labels)
            value.backward()
            optimiser.step()
        print(f"epoch {epoch}: {value.item():.3f}")
        if epoch == 0:
            result = movingtarget.probe(network, loss, data, optimiser)  # 2
            print(movingtarget.summary(result))  # 3


if __name__ == "__main__":
    main()
