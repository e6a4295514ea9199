"""Peak memory against hand counts and torch's profiler; timing against a clock that the test sets."""

import itertools

import pytest
import torch
from torch import nn

from inception_lessons.measure import compare_times, peak_memory, time_module, timing

FLOAT = 4  # bytes


class Joined(nn.Module):
    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Conv2d(3, 5, 1), nn.Conv2d(3, 7, 1)

    def forward(self, x):
        return torch.cat([self.left(x), self.right(x)], 1)


@pytest.mark.parametrize(
    ("net", "numbers"),
    [
        (nn.Sequential(nn.Conv2d(3, 8, 1)), 300 + 800),
        (nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU()), 300 + 800 + 800),
        (nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU(inplace=True)), 300 + 800),
        (nn.Sequential(nn.Conv2d(3, 8, 1), nn.Conv2d(8, 2, 1), nn.Conv2d(2, 1, 1)), 300 + 800 + 200),
        (Joined(), 300 + 500 + 700 + 1200),
        (nn.Sequential(nn.MaxPool2d(2)), 300 + 75 + 2 * 75),  # the indices have 8 bytes each
        (nn.Sequential(nn.Conv2d(3, 8, 1), nn.Flatten()), 300 + 800),
    ],
)
def test_peak_memory_by_hand(net, numbers):
    assert peak_memory(net, (1, 3, 10, 10)) == FLOAT * numbers
    assert peak_memory(net.half(), (2, 3, 10, 10)) >= FLOAT * numbers


class Dense(nn.Module):
    """Keeps every map it has made, as DenseNet does; no operator in it needs scratch memory."""

    def __init__(self):
        super().__init__()
        self.norms = nn.ModuleList(nn.BatchNorm2d(2**i) for i in range(4))
        self.pool = nn.MaxPool2d(3, 1, padding=1)

    def forward(self, x):
        for norm in self.norms:
            x = torch.cat([x, self.pool(torch.relu(norm(x)))], 1)
        return x.mean((2, 3))


def test_peak_memory_equals_the_allocator_s():
    net, image = Dense().eval(), torch.zeros(3, 1, 40, 50)
    with torch.profiler.profile(profile_memory=True) as profile, torch.no_grad():
        net(image)
    events = profile.profiler.kineto_results.events()
    changes = [event.nbytes() for event in events if event.name() == "[memory]"]
    assert peak_memory(net, image) == max(itertools.accumulate(changes)) + image.nbytes


def test_measuring_memory_leaves_mode_and_weights():
    net = nn.Sequential(nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8)).train()
    before = net[1].running_mean.clone()
    peak_memory(net, (2, 3, 4, 4))
    assert net.training and net[1].training and torch.equal(net[1].running_mean, before)


class Clock:
    """Stands in for `time`: each module moves it by its own number of seconds."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


class Slow(nn.Module):
    def __init__(self, name, clock, seconds, calls):
        super().__init__()
        self.name, self.clock, self.seconds, self.calls = name, clock, itertools.cycle(seconds), calls

    def forward(self, x):
        assert not self.training and not torch.is_grad_enabled()
        self.calls.append(self.name)
        self.clock.now += next(self.seconds)
        return x


def test_timings_are_quartiles_of_passes_taken_in_turns(monkeypatch):
    clock, calls = Clock(), []
    monkeypatch.setattr(timing, "time", clock)
    modules = {"a": Slow("a", clock, [9, 1, 2, 3, 4, 5], calls), "b": Slow("b", clock, [0.5], calls)}
    times = compare_times(modules, (6, 3), repeats=5, warmup=1)
    assert calls == ["a", "b"] * 6
    assert times["a"][:5] == (3, 2, 4, 5, 6)
    assert times["b"].median == 0.5
    assert all(module.training for module in modules.values())
    assert f"{torch.get_num_threads()} threads" in str(times["a"])
    assert time_module(modules["b"], torch.zeros(2, 2), repeats=1).upper == 0.5


def test_timing_touches_no_random_state():
    net = nn.Linear(4, 2)
    before = torch.get_rng_state()
    assert time_module(net, (3, 4), repeats=2, warmup=0).median > 0
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: time_module(nn.ReLU(), (2, 2), repeats=0), ValueError, "repeats must be at least 1, got 0"),
        (lambda: time_module(nn.ReLU(), (2, 2), warmup=-1), ValueError, "warmup must be at least 0, got -1"),
        (lambda: time_module(nn.ReLU()), ValueError, "give an input"),
        (lambda: time_module(torch.relu, (2, 2)), TypeError, "module must be a torch.nn.Module"),
        (lambda: time_module(nn.Linear(2, 2).to("meta"), (2, 2)), ValueError, "on the meta device"),
        (lambda: compare_times({}, (2, 2)), ValueError, "modules is empty"),
        (lambda: peak_memory(nn.ReLU()), ValueError, "needs an input"),
        (lambda: peak_memory(nn.Conv2d(3, 4, 1), (1, 4, 2, 2)), ValueError, r"Conv2d refused .*\(1, 4, 2, 2"),
    ],
)
def test_nonsense_is_refused(call, kind, words):
    with pytest.raises(kind, match=words):
        call()
