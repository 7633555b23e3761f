use super::*;

fn path(text: &str) -> EntryPath {
    EntryPath::parse(text.as_bytes()).unwrap()
}

fn wish(paths: &[&str], to: To) -> Wish {
    Wish { parts: vec![part(paths, 0, "12 May")], to, existing: Existing::OnlyMissing }
}

fn part(paths: &[&str], date: i64, mark: &str) -> Part {
    Part { paths: paths.iter().map(|text| path(text)).collect(), date, mark: mark.into() }
}

fn places(wish: &Wish, of: &[&str]) -> Vec<String> {
    let roots = wish.roots();
    let place = |text: &&str| roots.root_of(&path(text)).unwrap().place_of(&path(text)).to_string();
    of.iter().map(place).collect()
}

#[test]
fn everything_comes_into_the_folder_under_its_last_name() {
    let wish = wish(&["a/letters", "b/letters", "b/letters/one", "c/x.txt"], To::Folder("/out".into()));
    assert_eq!(wish.roots().0.len(), 3);
    let of = ["a/letters/one", "b/letters/one", "c/x.txt"];
    assert_eq!(places(&wish, &of), ["letters/one", "letters (12 May)/one", "x.txt"]);
    assert_eq!(wish.roots().root_of(&path("c/y")), None);
}

#[test]
fn another_persons_home_becomes_this_ones() {
    let instead = Some(Instead { of: path("home/alice"), here: path("home/bob") });
    let original = To::Original { root: "/".into(), instead };
    let wish = wish(&["etc/fstab", "home/alice/letters"], original);
    assert_eq!(
        places(&wish, &["home/alice/letters/one", "etc/fstab"]),
        ["home/bob/letters/one", "etc/fstab"]
    );
}

#[test]
fn what_is_renamed_takes_along_what_lies_in_it_and_is_not_renamed_itself() {
    let renames = [("b", "x/y"), ("b/c", "c"), ("d", "e"), ("d", "f")];
    let renames = renames.map(|(from, to)| (path(from), path(to)));
    let roots = Roots::renamed(path("a"), &renames);
    let place = |text| roots.root_of(&path(text)).unwrap().place_of(&path(text)).to_string();
    let places = ["a", "a/a", "a/b", "a/b/b", "a/b/c/d", "a/bb", "a/d/e"].map(place);
    assert_eq!(places, [".", "a", "x/y", "x/y/b", "c/d", "bb", "f/e"]);
}

#[test]
fn a_path_of_another_date_is_a_root_of_its_own_also_within_another() {
    let parts = vec![part(&["a/b", "a/old", "x"], 10, "1 May"), part(&["a", "a/c", "x"], 30, "3 May")];
    let wish = Wish { parts, ..wish(&[], To::Folder("/out".into())) };
    let roots = wish.roots();
    let named: Vec<_> = roots.0.iter().map(|root| (root.path.to_string(), root.date)).collect();
    let expected = [("a", 30), ("a/b", 10), ("a/old", 10), ("x", 30)];
    assert_eq!(named, expected.map(|(path, date)| (path.to_string(), date)));
    let date = |text| roots.root_of(&path(text)).unwrap().date;
    assert_eq!(["a/a", "a/b/one", "a/c", "a/old/two", "a/z"].map(date), [30, 10, 30, 10, 30]);
    assert_eq!(places(&wish, &["a/b/one", "a/c"]), ["a/b/one", "a/c"]);
    assert!(roots.is_above_one(&path("a")) && !roots.is_above_one(&path("a/b")));
}

#[test]
fn what_lies_in_the_folder_is_told_by_its_path_in_the_backups() {
    let parts = vec![part(&["a/b/old"], 10, "1 May"), part(&["a/b", "a/c/b", "a/d.txt"], 30, "3 May")];
    let wish = Wish { parts, ..wish(&[], To::Folder("/out".into())) };
    let told = |place: &str| wish.path_at(Path::new(place)).map(|path| path.to_string());
    let cases = [
        ("/out/d.txt", Some("a/d.txt")),
        ("/out/b/one", Some("a/b/one")),
        ("/out/b/old/one", Some("a/b/old/one")),
        ("/out/b (3 May)/one", Some("a/c/b/one")),
        // All of them.
        ("/out", Some("a")),
        ("/out/else", None),
        ("/elsewhere/b", None),
    ];
    for (place, path) in cases {
        assert_eq!(told(place).as_deref(), path, "{place}");
    }
}
