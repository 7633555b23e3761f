"""What can go wrong with a place is said, and nothing is lost by it."""

import json
import os

from driver import run, wait_for
from steps import back_up, press_in_dialog, set_up, set_up_and_back_up


def test_a_missing_place_is_said_and_found_again(stage):
    stage.sample()
    app = stage.start()
    set_up_and_back_up(app, stage.place)
    away = stage.place.rename(stage.home.parent / "away")

    stage.write("Documents/answer.txt")
    app.press("Back Up Now")
    wait_for("it is said", lambda: app.can_press("Close"))
    app.picture("trouble-place-missing")
    app.check_names()
    assert not stage.place.exists(), "a place that is not there is not made anew"
    press_in_dialog(app, "Close")

    away.rename(stage.place)
    back_up(app)
    app.quit()


def test_another_place_at_the_same_path_is_not_written_to(stage):
    stage.sample()
    app = stage.start()
    set_up_and_back_up(app, stage.place)
    marker = next(stage.place.rglob("hindsight-place.json"))
    other = json.loads(marker.read_text()) | {"id": "0123456789abcdef0123456789abcdef"}
    marker.write_text(json.dumps(other))
    before = listing(stage)

    stage.write("Documents/answer.txt")
    app.press("Back Up Now")
    wait_for("it is said", lambda: app.can_press("Close"))
    app.picture("trouble-another-place")
    press_in_dialog(app, "Close")
    assert listing(stage) == before
    app.quit()


def test_a_place_without_its_marker_is_not_written_to(stage):
    stage.sample()
    app = stage.start()
    set_up_and_back_up(app, stage.place)
    marker = next(stage.place.rglob("hindsight-place.json"))
    away = marker.rename(stage.home.parent / marker.name)
    before = listing(stage)

    stage.write("Documents/answer.txt")
    app.press("Back Up Now")
    wait_for("it is said", lambda: app.can_press("Close"))
    app.see("it is not the place where this plan keeps its backups")
    app.picture("trouble-marker-gone")
    press_in_dialog(app, "Close")
    assert listing(stage) == before

    away.rename(marker)
    back_up(app)
    app.quit()


def listing(stage):
    """The files at the place."""
    return sorted(str(path) for path in stage.place.rglob("*"))


def test_a_full_disk_is_said_and_what_was_saved_stays(stage):
    stage.sample()
    app = stage.start(wrapper=small_disk(stage, megabytes=24))
    set_up_and_back_up(app, stage.place)

    stage.write("Pictures/film.raw", os.urandom(40_000_000))
    app.press("Back Up Now")
    wait_for("it is said", lambda: app.can_press("Close"))
    app.picture("trouble-disk-full")
    app.check_names()
    press_in_dialog(app, "Close")

    (stage.home / "Pictures/film.raw").unlink()
    stage.write("Documents/answer.txt")
    back_up(app)
    app.quit()


def small_disk(stage, megabytes):
    """A disk of that size at the place, that only the app sees."""
    mount = f'mount -t tmpfs -o size={megabytes}m small "$0" && exec "$@"'
    return ("unshare", "--user", "--map-current-user", "--keep-caps", "--mount", "sh", "-c", mount, str(stage.place))


def test_a_folder_whose_files_are_gone_stops_with_a_question(stage):
    stage.sample()
    for number in range(40):
        stage.write(f"Documents/Letters/{number:02}.txt")
    app = stage.start()
    set_up_and_back_up(app, stage.place)
    stored = listing(stage)
    for name in ("Documents", "Pictures", "latest"):
        run("mv", str(stage.home / name), str(stage.home.parent))

    app.press("Back Up Now")
    app.see("Back Up Anyway")
    app.picture("trouble-files-gone")
    app.check_names()
    press_in_dialog(app, "Cancel")
    assert listing(stage) == stored, "nothing is recorded as deleted"

    app.press("Back Up Now")
    app.press("Back Up Anyway")
    app.see("Your Files Are Safe")
    wait_for("it is stored that they are gone", lambda: len(listing(stage)) > len(stored))
    app.quit()


def test_a_crash_is_told_calmly_at_the_next_start(stage):
    stage.write("Pictures/film.raw", os.urandom(300_000_000))
    app = stage.start()
    set_up(app, stage.place)
    app.press("Back Up Now")
    wait_for("something is stored", lambda: list(stage.place.rglob("*vol1.difftar.gpg")))
    app.kill()
    app = stage.start()
    app.see("The Last Backup Was Interrupted")
    app.picture("trouble-interrupted")
    back_up(app, within=120)
    app.quit()
