"""Two starts are one app."""

from driver import run, wait_for
from steps import set_up, set_up_and_back_up


def test_a_second_start_is_the_first_ones_window(stage):
    app = stage.start()
    run(stage.program)
    assert app.is_running()
    assert len(app.windows()) == 1
    app.quit()


def test_the_command_line_goes_to_the_running_app(stage):
    stage.sample()
    app = stage.start()
    set_up(app, stage.place)
    run(stage.program, "--preferences")
    app.see("Folders to Back Up")
    app.leave("Folders to Back Up")
    run(stage.program, "--backup")
    app.see("Your Files Are Safe")
    run(stage.program, "--restore")
    app.see("Nothing selected")
    app.quit()


def test_the_command_line_opens_the_app_where_it_is_wanted(stage):
    stage.sample()
    app = stage.start()
    set_up_and_back_up(app, stage.place)
    app.quit()
    app = stage.start("--preferences")
    app.see("Folders to Back Up")
    app.quit()
    stage.write("Documents/answer.txt")
    app = stage.start("--backup")
    app.see("Backed up,")
    app.quit()
    app = stage.start("--restore", str(stage.home / "Documents/letter.txt"))
    app.see("letter.txt")
    app.quit()


def test_version_and_help_need_no_window(stage):
    assert "Hindsight" in run(stage.program, "--version").title()
    assert "--preferences" in run(stage.program, "--help")
    wait_for("no app was started", lambda: not stage.runs)
