import pytest

from depthkit.runtimes.openvino_graph import _keep_selection_precise


def test_the_ranking_of_tokens_becomes_an_output_behind_the_others():
    openvino = pytest.importorskip("openvino")
    op = pytest.importorskip("openvino.opset13")
    scores = op.parameter([1, 8], openvino.Type.f32)
    chosen = op.topk(scores, op.constant(3), 1, "max", "none", index_element_type=openvino.Type.i32)
    graph = openvino.Model([op.relu(scores).output(0), op.relu(chosen.output(0)).output(0)], [scores], "graph")
    before = [one.node.get_friendly_name() for one in graph.outputs]
    _keep_selection_precise(graph)
    assert [one.node.get_friendly_name() for one in graph.outputs][:2] == before
    assert len(graph.outputs) == 3 and graph.outputs[2].element_type == openvino.Type.i32
