"""Backups get another protection, and a sheet says how to get them back. Earlier backups stay what they are."""

import re
import shutil
import zlib

from driver import run, wait_for
from pages import DARK, show
from steps import PASSWORD, back_up, ended_runs, go_to_password, open_set_up, set_up_and_back_up

NEW = "seven loud geese before noon"
ADA, CHARLES = "Ada Lovelace", "Charles Babbage"


def open_protection(app):
    app.do("win.preferences")
    app.press("Security")
    app.see("Forget Password")
    app.open_row("Protection")
    app.see("Change Protection")


def change_password(app):
    app.fill("Password", NEW)
    app.fill("Repeat Password", NEW)
    app.press("Change")


def begin_anew(app):
    """Says yes to what is asked after a change."""
    app.see("Back Up Anew Now?")
    before = ended_runs(app)
    app.press("Back Up Now")
    wait_for("the run has ended", lambda: ended_runs(app) > before)
    app.see_no("Back Up Anew Now?")
    app.leave("Delete Backup Plan")
    wait_for("the operation is over", lambda: app.can_press("Back Up Now"))
    app.see("Your Files Are Safe")


def fulls(stage):
    """The manifests of full backups, oldest first."""
    return sorted(stage.place.rglob("duplicity-full.*.manifest.gpg"))


def opens_with(manifest, password):
    gpg = ("gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase-fd", "0")
    return "Hostname" in run(*gpg, "--decrypt", str(manifest), input=password)


def make_keys():
    """One of this person's own, and one of somebody else."""
    for name in (ADA, CHARLES):
        address = f"{name} <{name.split()[0].lower()}@example.org>"
        run("gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", address, "default", "default", "never")
    listing = run("gpg", "--with-colons", "--list-keys", CHARLES)
    fingerprint = next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr"))
    run("gpg", "--batch", "--yes", "--quiet", "--delete-secret-keys", fingerprint)


def test_a_new_password_protects_what_is_backed_up_from_then_on(stage):
    stage.sample()
    app = stage.start()
    set_up_and_back_up(app, stage.place)
    open_protection(app)
    assert not app.can_press("Change"), "nothing is new yet"
    change_password(app)
    begin_anew(app)
    old, new = fulls(stage)
    assert opens_with(old, PASSWORD) and opens_with(new, NEW)

    app.quit()
    app = stage.start()
    stage.write("Documents/answer.txt")
    back_up(app)
    assert len(fulls(stage)) == 2, "the new ones are continued"
    kept = run("secret-tool", "search", "--all", "application", "io.github.hindsight_backup.Hindsight", stderr=-2)
    assert PASSWORD in kept and NEW in kept and " until " in kept, "the old one is kept, with its date"
    app.quit()


def test_a_new_password_may_wait_for_the_next_backup(stage):
    stage.sample()
    app = stage.start()
    set_up_and_back_up(app, stage.place)
    open_protection(app)
    change_password(app)
    app.see("Back Up Anew Now?")
    app.press("Later")
    app.leave("Delete Backup Plan")
    app.quit()
    app = stage.start()
    assert len(fulls(stage)) == 1
    back_up(app)
    assert opens_with(fulls(stage)[1], NEW)
    app.quit()


def test_keys_of_gnupg_are_chosen_by_name_in_light(stage):
    choose_keys(stage, "light")


def test_keys_of_gnupg_are_chosen_by_name_in_dark(stage):
    choose_keys(stage, "dark", **DARK)


def choose_keys(stage, scheme, **environment):
    make_keys()
    stage.sample()
    app = stage.start(**environment)
    set_up_and_back_up(app, stage.place)
    open_protection(app)
    app.type_into("Password", "herons")
    app.type_into("Repeat Password", "herons")
    show(app, scheme, "protection-1-password")
    app.press("Change")
    app.see("Use a Weak Password?")
    show(app, scheme, "question-weak-password")
    app.press("Cancel")
    # Until the question is gone, it takes the clicks.
    app.see_no("Use a Weak Password?")
    app.open_row("Keys From GnuPG")
    app.see("ada@example.org")
    app.see("Each of these people can restore everything.")
    app.open_row(ADA)
    wait_for("nobody is chosen", lambda: not app.can_press("Change"))
    app.open_row(CHARLES)
    app.see("you could not restore your own files")
    app.open_row(ADA)
    app.see("Each of these people can restore everything.")
    show(app, scheme, "protection-2-keys")
    app.press("Change")
    app.see("Back Up Anew Now?")
    show(app, scheme, "question-begin-anew")
    app.see(f"Keys of {ADA}")
    begin_anew(app)
    packets = run("gpg", "--batch", "--list-packets", str(fulls(stage)[1]), stderr=-2)
    assert packets.count(":pubkey enc packet:") == 2, packets

    app.quit()
    app = stage.start(**environment)
    stage.write("Documents/answer.txt")
    back_up(app)
    assert len(fulls(stage)) == 2
    app.do("win.preferences")
    app.press("Security")
    app.see(f"Keys of {ADA}")
    show(app, scheme, "preferences-4-security-keys")
    app.quit()
    run("gpgconf", "--kill", "all")


def test_no_protection_is_possible_after_a_question(stage):
    stage.sample()
    app = stage.start()
    set_up_and_back_up(app, stage.place)
    open_protection(app)
    app.open_row("No Protection")
    app.press("Change")
    app.see("Back Up Without Protection?")
    app.press("Without Protection")
    begin_anew(app)
    assert list(stage.place.rglob("duplicity-full.*.difftar.gz")) and len(fulls(stage)) == 1
    app.quit()


def test_a_weak_password_is_taken_only_when_somebody_means_it(stage):
    app = stage.start()
    open_set_up(app)
    go_to_password(app, stage.place)
    app.fill("Password", "herons")
    app.fill("Repeat Password", "herons")
    app.press("Next")
    app.see("Use a Weak Password?")
    app.press("Cancel")
    app.see_no("Use a Weak Password?")
    assert app.sees("Step 3 of 4")
    app.press("Next")
    app.press("Use It Anyway")
    app.see("Step 4 of 4")
    app.quit()


def test_the_recovery_sheet_is_saved_without_the_password(stage):
    stage.sample()
    app = stage.start()
    set_up_and_back_up(app, stage.place)
    app.open_row("Save a Recovery Sheet…")
    app.save_as(stage.home / "first.pdf")
    app.see("Recovery sheet saved")
    app.see_no("Save a Recovery Sheet…")
    app.do("win.preferences")
    app.press("Security")
    app.press("Save Recovery Sheet…")
    app.save_as(stage.home / "second.pdf")
    wait_for("it is there", lambda: (stage.home / "second.pdf").exists())
    for name in ("first.pdf", "second.pdf"):
        text = text_of_pdf(stage.home / name)
        assert "RecoverySheet" in text and "Withduplicity" in text, text
        assert PASSWORD.replace(" ", "") not in text
    # To be looked at, like the pictures.
    shutil.copy(stage.home / "second.pdf", stage.pictures / "security-sheet.pdf")
    app.quit()


def text_of_pdf(path):
    """The letters in it, without the spaces between them; the commands are in numbers of glyphs."""
    content = path.read_bytes()
    assert content.startswith(b"%PDF")
    text = ""
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL):
        try:
            page = zlib.decompress(stream).decode("latin-1")
        except zlib.error:
            continue
        shown = re.findall(r"\[(.*?)\] ?TJ|\((.*?)\) ?Tj", page)
        text += "".join("".join(re.findall(r"\((.*?)(?<!\\)\)", many)) or one for many, one in shown)
    return text.replace(" ", "")
