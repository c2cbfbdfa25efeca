import onnx
from onnx import helper

from .constants import DOMAIN, OPSETS


def functions(calls: list[tuple]) -> list[onnx.FunctionProto]:
    """One for each kind of block: a block with other nodes is another kind."""
    kinds: dict[str, dict[str, list[tuple]]] = {}
    for node, body in calls:
        same = kinds.setdefault(node.op_type, {})
        shown = [body.result, *body.weights]
        for step in body.nodes:
            said = [own.name for own in step.attribute]
            shown += [step.op_type, *step.input, *step.output, *said, "|"]
        alike = same.setdefault(" ".join(shown), [])
        alike.append((node, body))
        number = [*same.values()].index(alike) + 1
        node.op_type += f"_{number}" if number > 1 else ""
    found = [alike for same in kinds.values() for alike in same.values()]
    found.sort(key=lambda alike: len(alike[0][1].calls))  # inner ones first
    return [function(alike) for alike in found]


def function(calls: list[tuple]) -> onnx.FunctionProto:
    """The function of some calls: what they differ in are its attributes."""
    (node, body), names = calls[0], dict[tuple[bytes, ...], str]()
    for i, step in enumerate(body.nodes):
        for j, own in enumerate(step.attribute):
            said = [other.nodes[i].attribute[j] for _, other in calls]
            values = tuple(one.SerializeToString() for one in said)
            if len(set(values)) == 1:
                continue
            if values not in names:
                count = sum(n.startswith(own.name) for n in names.values())
                names[values] = own.name + (f"_{count + 1}" if count else "")
                for (call, _), one in zip(calls, said, strict=True):
                    call.attribute.add().CopyFrom(one)
                    call.attribute[-1].name = names[values]
            told = onnx.AttributeProto(name=own.name, type=own.type)
            told.ref_attr_name = names[values]
            own.CopyFrom(told)
    inputs, attributes = ["x", *body.weights], [*names.values()]
    return helper.make_function(
        DOMAIN,
        node.op_type,
        inputs,
        [body.result],
        body.nodes,
        OPSETS,
        attributes,
    )
