"""How far work is: on a terminal while it goes on, and on standard error where it is interrupted."""

import io

import pytest

from scoring.cli.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def stop_after(done: int) -> None:
    with progress("findings") as bar:
        bar.left_behind = "nothing was written"
        bar.begin("scoring")
        for number in bar.each(range(5000)):
            if number == done:
                raise KeyboardInterrupt


@pytest.mark.parametrize(("done", "count"), [(0, "0 findings"), (1, "1 finding"), (1234, "1,234 findings")])
def test_an_interruption_says_what_was_done_with(capsys, done, count):
    with pytest.raises(KeyboardInterrupt):
        stop_after(done)
    assert capsys.readouterr() == ("", f"interrupted after {count}, scoring; nothing was written\n")


def test_a_pipe_sees_nothing_of_it(capsys):
    with progress("findings", total=3) as bar:
        assert list(bar.each("abc")) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")
    assert str(bar) == "3 of 3 findings"


@pytest.mark.parametrize(("is_printing", "is_shown"), [(False, True), (True, False)])
def test_a_terminal_sees_it_unless_results_go_there_meanwhile(monkeypatch, is_printing, is_shown):
    shown = Terminal()
    monkeypatch.setattr("sys.stderr", shown)
    monkeypatch.setattr("sys.stdout", Terminal())
    with progress("[red]findings", total=7, is_printing=is_printing) as bar:
        bar.add(7)
    assert ("7 of 7 [red]findings" in shown.getvalue()) == is_shown
