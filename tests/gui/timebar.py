"""The time bar: a slider over the dates of backups, for eyes, hands and ears."""

import os
import subprocess

from gi.repository import Atspi

from driver import Failure, place_in_window, run, wait_for

WIDTHS = {"": 900, "-360": 360}
# Milliseconds for a frame of 10,000 marks, without what a graphics card does.
MOST_FOR_A_FRAME = 4
# Where the three dots are, as a part of the bar's width.
GAP = 0.657


def test_keys_go_by_dates_months_and_changes(stage):
    bar = TimeBar(stage)
    bar.app.tab_to("Date")
    bar.says(48, "backup 48 of 95")
    bar.press("Home", 1)
    bar.press("Right", 2)
    bar.press("Left", 1)
    bar.press("Left", 1)
    bar.press("End", 95)
    bar.says(95, "Friday 22 November 2024, 18:04, backup 95 of 95")
    bar.press("Page_Up", 64)
    bar.says(64, "Tuesday 22 October 2024")
    bar.press("Page_Down", 95)
    bar.press("ctrl+Left", 93)
    bar.press("ctrl+Left", 92)
    bar.press("ctrl+Left", 91)
    bar.says(91, ", changes in Summer House")
    bar.press("Left", 90)
    bar.says(90, "no changes in Summer House")
    bar.press("ctrl+Right", 91)
    bar.app.press("Previous Change")
    bar.says(86, ", changes in Summer House")


def test_a_screen_reader_hears_and_sets_the_date(stage):
    bar = TimeBar(stage)
    node = bar.node()
    assert node.get_role() == Atspi.Role.SLIDER, node.get_role_name()
    value = node.get_value_iface()
    assert (value.get_minimum_value(), value.get_maximum_value()) == (1, 95)
    assert "Control and the left or right arrow key" in node.get_description(), node.get_description()
    assert value.set_current_value(4)
    bar.says(4, "backup 4 of 95, 3 items changed in Summer House")
    bar.app.see("chosen 4 of 4")
    bar.app.check_names()


def test_reading_from_right_to_left_mirrors_the_bar_and_its_keys(stage):
    bar = TimeBar(stage, "--rtl")
    bar.app.tab_to("Date")
    bar.press("Right", 47)
    bar.press("Left", 48)
    bar.press("ctrl+Left", 49)
    bar.press("Home", 1)
    width = bar.width()
    bar.pointer(width - 10, 70, "click", "1")
    bar.says(1)
    bar.pointer(10, 70, "click", "1")
    bar.says(95)
    bar.app.picture("timebar/one-rtl")


def test_a_mouse_presses_drags_and_turns_its_wheel(stage):
    bar = TimeBar(stage)
    width = bar.width()
    bar.pointer(5, 70, "click", "1")
    bar.says(1)
    bar.app.see("chosen 1 of 1")
    bar.pointer(width - 5, 70, "mousedown", "1")
    bar.says(95)
    bar.app.see("dragging 95 of 95")
    bar.pointer(width - 20, 70)
    bar.pointer(5, 70)
    bar.says(1)
    bar.app.see("dragging 1 of 1")
    bar.app.picture("timebar/one-dragged")
    run("xdotool", "mouseup", "1")
    bar.app.see("chosen 1 of 1")
    bar.pointer(5, 70, "click", "5")
    bar.says(2)
    bar.pointer(5, 70, "click", "--repeat", "3", "5")
    bar.says(5)
    bar.pointer(5, 70, "click", "4")
    bar.says(4)


def test_the_handle_is_dragged_by_its_bubble_and_escape_puts_it_back(stage):
    bar = TimeBar(stage)
    bar.app.tab_to("Date")
    bar.press("End", 95)
    width = bar.width()
    # Away from the mark: pressing on the bubble alone moves nothing.
    bar.pointer(width - 100, 18, "mousedown", "1")
    bar.pointer(width - 101, 18)
    bar.says(95)
    bar.pointer(width - 200, 18)
    bar.pointer(width - 300, 18)
    wait_for("the handle has moved", lambda: bar.value() < 90)
    bar.app.picture("timebar/one-dragged-by-its-bubble")
    bar.app.keys("Escape")
    bar.says(95)
    bar.app.see("chosen 95 of 95")
    bar.pointer(width - 400, 18)
    run("xdotool", "mouseup", "1")
    bar.says(95)


def test_dragging_to_the_side_of_a_narrow_bar_brings_more_of_it(stage):
    bar = TimeBar(stage, "--width=360")
    bar.app.tab_to("Date")
    bar.press("End", 95)
    bar.pointer(200, 70, "mousedown", "1")
    bar.pointer(100, 70)
    bar.pointer(5, 70)
    # The pointer rests there.
    wait_for("the oldest date is reached", lambda: bar.value() == 1)
    bar.app.picture("timebar/one-360-dragged")
    run("xdotool", "mouseup", "1")
    bar.app.see("chosen 1 of 1")


def test_a_finger_pulls_the_strip_flings_it_and_taps_on_marks(stage):
    bar = TimeBar(stage, "--width=360", scene="finger")
    bar.says(48)
    tapped = bar.after("Tap at the Left")
    assert tapped < 48, tapped
    bar.app.see(f"chosen {tapped} of {tapped}")
    pulled = bar.after("Pull to the Right")
    assert pulled < tapped, pulled
    bar.app.see(f"chosen {pulled} of {pulled}")
    assert abs(bar.after("Pull to the Left") - tapped) <= 1
    assert bar.after("Fling to the Right") < pulled, "it goes on when it is let go of"
    bar.app.picture("timebar/one-360-finger")


def test_animations_end_where_the_handle_belongs(stage):
    bar = TimeBar(stage, "--animate", "--width=360")
    bar.app.tab_to("Date")
    for key in ("Home", "Page_Down", "End", "Left", "Left"):
        bar.app.keys(key)
    bar.says(93)
    bar.app.picture("timebar/one-animated")


def test_pictures_of_every_state(stage):
    for scheme in ("", "-dark"):
        for name, width in WIDTHS.items():
            for scene in ("states", "few", "many"):
                options = [f"--width={width}", *(["--dark"] if scheme else [])]
                picture(stage, f"{scene}{name}{scheme}", scene, *options)
    picture(stage, "states-rtl", "states", "--rtl")
    picture(stage, "many-360-rtl", "many", "--rtl", "--width=360")
    picture(stage, "states-contrast", "states", ADW_DEBUG_HIGH_CONTRAST="1")
    picture(stage, "many-1200", "many", "--width=1200")


def test_a_pointer_learns_of_dates_and_gaps(stage):
    for scheme in ([], ["--dark"]):
        bar = TimeBar(stage, *scheme)
        suffix = "-dark" if scheme else ""
        width = bar.width()
        bar.pointer(width - 150, 70)
        bar.app.picture(f"timebar/one-hovered{suffix}")
        bar.pointer(round(width * GAP), 70)
        bar.app.picture(f"timebar/one-hovered-gap{suffix}")
        bar.pointer(width - 250, 70)
        bar.app.keys("Tab")
        bar.app.tab_to("Date")
        bar.app.picture(f"timebar/one-focused{suffix}")
        bar.app.kill()


def test_a_frame_of_ten_thousand_marks_is_cheap(stage):  # alone
    done = subprocess.run([program(stage), "measure"], stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    making, painting = (float(time) for time in done.stdout.split())
    print(f"measured: a frame of 10,000 marks: {making:.2f} ms, painted by the processor {painting:.2f} ms")
    assert making <= MOST_FOR_A_FRAME, f"making a frame takes {making} ms"


def program(stage):
    """The bar without the app, which is built beside it."""
    return os.path.join(os.path.dirname(os.environ["HINDSIGHT_PROGRAM"]), "examples", "time_bar")


def start(stage, scene, *options, **environment):
    stage.program = program(stage)
    return stage.start(scene, *options, TZ="UTC", **environment)


def picture(stage, name, scene, *options, **environment):
    app = start(stage, scene, *options, **environment)
    app.picture(f"timebar/{name}")
    app.check_mistakes()
    app.kill()


class TimeBar:
    """One bar, in a window of its own."""

    def __init__(self, stage, *options, scene="one"):
        self.app = start(stage, scene, *options)

    def node(self):
        def is_slider(node):
            return node.get_role() == Atspi.Role.SLIDER

        return wait_for("the bar", lambda: next(filter(is_slider, self.app.nodes()), None))

    def value(self):
        return int(self.node().get_value_iface().get_current_value())

    def says(self, number, text=""):
        """The date with that number is selected, and is said to be so."""
        try:
            wait_for("", lambda: self.value() == number and text in Atspi.Value.get_text(self.node()))
        except Failure:
            said = Atspi.Value.get_text(self.node())
            raise Failure(f"not {number} and “{text}” but {self.value()} and “{said}”") from None

    def press(self, key, number):
        self.app.keys(key)
        self.says(number)

    def after(self, button):
        """The number of the date that is another one when the button was pressed."""
        before = self.value()
        self.app.press(button)
        wait_for("another date", lambda: self.value() != before)
        return self.value()

    def width(self):
        return place_in_window(self.node())[2]

    def pointer(self, x, y, *then):
        """Moves the pointer to a place in the bar, and does something there."""
        left, top, _, _ = self.app.geometry()
        bar_left, bar_top, _, _ = place_in_window(self.node())
        run("xdotool", "mousemove", str(left + bar_left + x), str(top + bar_top + y), *then)
