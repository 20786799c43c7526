import io
import sys

import pytest

from depthkit.engine import DepthRunner


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_a_bar_with_the_time_left_and_no_log_lines(tiny_config, monkeypatch, capsys) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    runner = DepthRunner.from_cfg(tiny_config(custom_hooks=[{"type": "ProgressHook"}]))
    runner.train()
    assert "10/10" in terminal.getvalue()
    assert "epoch 2/2, loss" in terminal.getvalue()
    assert "Epoch(train)" not in capsys.readouterr().out
    runner.logger.info("printed again")
    assert "printed again" in capsys.readouterr().out


@pytest.mark.parametrize("metrics", [{"abs_rel": 0.12345}])
def test_the_metrics_stand_between_the_bars(tiny_config, monkeypatch, metrics) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    runner = DepthRunner.from_cfg(tiny_config(custom_hooks=[{"type": "ProgressHook"}]))
    hook = next(h for h in runner.hooks if type(h).__name__ == "ProgressHook")
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    hook.before_train(runner)
    hook.after_val_epoch(runner, metrics)
    hook.after_train(runner)
    assert "after epoch 0: abs_rel 0.1235" in terminal.getvalue()


def test_elsewhere_there_is_no_bar(tiny_config, monkeypatch, capsys) -> None:
    plain = io.StringIO()
    monkeypatch.setattr(sys, "stderr", plain)
    DepthRunner.from_cfg(tiny_config(custom_hooks=[{"type": "ProgressHook"}])).train()
    assert plain.getvalue() == ""
    assert "Epoch(train) [2][5/5]" in capsys.readouterr().out
