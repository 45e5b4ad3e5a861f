"""A stack as it was synthesized, deployed into the embedded AWS: its functions run in processes of their own.

moto creates the resources of a template, but calls no function and starts no state machine; what is missing
for that is here. It needs moto's Step Functions parser (antlr4-python3-runtime).
"""

from tests.lambda_.deployed.stack import Deployed, deployed

__all__ = ["Deployed", "deployed"]
