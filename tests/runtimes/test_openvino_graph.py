from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from depthkit.runtimes.openvino_graph import _keep_selection_precise, load_openvino


def test_threads_get_the_results_of_their_own_images(tmp_path):
    openvino = pytest.importorskip("openvino")
    op = pytest.importorskip("openvino.opset13")
    images = op.parameter([1, 3, -1, -1], openvino.Type.f32, name="images")
    images.output(0).get_tensor().set_names({"images"})
    openvino.save_model(openvino.Model([op.relu(op.relu(images)).output(0)], [images], "graph"), tmp_path / "graph.xml")
    run = load_openvino(tmp_path / "graph.xml", "float32", 1)

    def is_own(value: int) -> bool:
        return all(bool((run(torch.full((1, 3, 200, 200), float(value)))[0] == value).all()) for _ in range(25))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(is_own, range(4)))


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
