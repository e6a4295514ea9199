"""The label smoothing widget's losses, against PyTorch's own cross-entropy and its gradient."""

import itertools

import pytest
import torch
from torch.nn import CrossEntropyLoss, KLDivLoss

from inception_lessons.widgets.label_smoothing import LabelSmoothing

GRID = list(
    itertools.product(
        (0.0, 0.01, 0.1, 0.27, 0.5), ("2", "10", "100", "1000"), (-5.0, -0.3, 0.0, 2.5, 9.1, 15.0, 20.0)
    )
)


def logits_of(classes: str, gap: float) -> torch.Tensor:
    """Return 1×K logits, the first `gap` above the others."""
    logits = torch.zeros(1, int(classes), dtype=torch.double)
    logits[0, 0] = gap
    return logits.requires_grad_()


@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_all_classes_is_pytorch_s_convention(shift):
    for epsilon, classes, gap in GRID:
        found = LabelSmoothing(epsilon=epsilon, classes=classes, gap=gap).numbers()
        logits = logits_of(classes, gap)
        loss = CrossEntropyLoss(label_smoothing=epsilon)(logits + shift, torch.tensor([0]))
        (gradient,) = torch.autograd.grad(loss, logits)
        ours = torch.tensor([found.loss, found.slope, found.p_right - found.right], dtype=torch.double)
        theirs = torch.stack([loss.detach(), gradient[0, 0], gradient[0, 0]])
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-6), (epsilon, classes, gap)


def test_the_wrong_classes_only_is_a_target_of_one_s_own():
    for epsilon, classes, gap in GRID:
        found = LabelSmoothing(epsilon=epsilon, classes=classes, gap=gap, convention="wrong").numbers()
        target = torch.full((1, int(classes)), epsilon / (int(classes) - 1), dtype=torch.double)
        target[0, 0] = 1 - epsilon
        loss = CrossEntropyLoss()(logits_of(classes, gap), target).item()
        assert found.loss == pytest.approx(loss, abs=1e-6), (epsilon, classes, gap)


def test_what_is_above_the_floor_is_the_divergence_from_the_target():
    for epsilon, classes, gap in GRID:
        if epsilon == 0:
            continue
        found = LabelSmoothing(epsilon=epsilon, classes=classes, gap=gap).numbers()
        target = torch.full((1, int(classes)), epsilon / int(classes), dtype=torch.double)
        target[0, 0] += 1 - epsilon
        above = KLDivLoss(reduction="sum")(logits_of(classes, gap).log_softmax(1), target).item()
        assert found.loss - found.floor == pytest.approx(above, abs=1e-6), (epsilon, classes, gap)


def test_no_step_of_gradient_descent_leaves_the_best_gap():
    for epsilon, classes, _ in GRID:
        if epsilon == 0:
            continue
        found = LabelSmoothing(epsilon=epsilon, classes=classes, gap=0.0).numbers()
        logits = logits_of(classes, found.best_gap)
        loss = CrossEntropyLoss(label_smoothing=epsilon)(logits, torch.tensor([0]))
        (gradient,) = torch.autograd.grad(loss, logits)
        assert loss.item() == pytest.approx(found.floor, abs=1e-6)
        assert gradient.abs().max().item() < 1e-12
