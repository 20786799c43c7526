import pytest
import torch
from torch import nn

from depthkit.models.distillers.teacher import FrozenTeacher


class Student(nn.Module):
    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.line = nn.Linear(3, 2)
        self.teacher = FrozenTeacher(model)


@pytest.fixture
def student() -> Student:
    return Student(nn.Sequential(nn.Linear(3, 2), nn.Dropout(0.5)))


def test_it_is_outside_the_module_tree(student):
    assert set(student.state_dict()) == {"line.weight", "line.bias"}
    assert {name for name, _ in student.named_parameters()} == {"line.weight", "line.bias"}
    student.train().double()
    assert not student.teacher.model.training
    assert student.teacher.model[0].weight.dtype == torch.float32


def test_its_answer_is_that_of_the_frozen_model_and_has_no_gradient(student):
    images = torch.randn(4, 3, requires_grad=True)
    answer = student.train().teacher(images)
    assert torch.equal(answer, student.teacher.model[0](images)) and not answer.requires_grad
    assert not any(p.requires_grad for p in student.teacher.model.parameters())


def test_it_may_be_asked_in_another_way():
    teacher = FrozenTeacher(nn.Linear(3, 2), lambda model, images: (model, images.sum()))
    model, total = teacher(torch.ones(2, 3))
    assert isinstance(model, nn.Linear) and total == 6


def test_it_follows_the_images_to_their_device(student):
    assert student.teacher(torch.empty(1, 3, device="meta")).device.type == "meta"
