"""Parts of the stack that are there under a condition, and the one resource behind a construct."""

from typing import TypeVar

import jsii
from aws_cdk import Aspects, CfnCondition, CfnResource, Fn, IAspect, Stack
from constructs import Construct, IConstruct

R = TypeVar("R", bound=CfnResource)


@jsii.implements(IAspect)
class _Only:
    """Gives every resource that has none the condition."""

    def __init__(self, condition: CfnCondition) -> None:
        self._condition = condition

    def visit(self, node: IConstruct) -> None:
        """Visit a node of the tree."""
        if isinstance(node, CfnResource) and node.cfn_options.condition is None:
            node.cfn_options.condition = self._condition


def only_if(condition: CfnCondition, *parts: Construct) -> None:
    """Let all resources of some parts be there only under a condition."""
    for part in parts:
        Aspects.of(part).add(_Only(condition))


def both(first: CfnCondition, second: CfnCondition) -> CfnCondition:
    """Return the condition that both hold."""
    stack = Stack.of(first)
    name = f"{first.node.id}And{second.node.id}"
    known = stack.node.try_find_child(name)
    if isinstance(known, CfnCondition):
        return known
    return CfnCondition(stack, name, expression=Fn.condition_and(first, second))


def resource_of(construct: Construct, kind: type[R]) -> R:
    """Return the one resource that a construct makes, to set what the construct itself has no argument for.

    Raises
    ------
    TypeError
        The construct makes another kind of resource, or several.
    """
    resource = construct.node.default_child
    if not isinstance(resource, kind):
        raise TypeError(f"{construct.node.path} makes no {kind.__name__} of its own")
    return resource
