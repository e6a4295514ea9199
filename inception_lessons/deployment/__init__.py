"""A network made fast for inference: `deploy(model)` computes what `model.eval()` computes, sooner.

`rewriting` simplifies the network's graph, `kernels` uses what the processor has, `compiler` looks whether
torch's compiler can work here, `deploying` puts them together.
"""

from inception_lessons.deployment.deploying import Deployed, deploy

__all__ = ["Deployed", "deploy"]
