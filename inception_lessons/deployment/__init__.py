"""A network made fast for inference: `deploy(model)` computes what `model.eval()` computes, sooner.

`rewriting` simplifies the network's graph, `kernels` uses what the processor has, `compiler` finds out whether
torch's compiler can work here.
"""

from inception_lessons.deployment.deploying import Deployed, deploy

__all__ = ["Deployed", "deploy"]
