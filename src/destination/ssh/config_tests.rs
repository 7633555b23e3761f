#![allow(clippy::unwrap_used)]

use super::*;

/// What a configuration of these files (the first is the one to read) says of a server.
fn server(files: &[(&str, &str)], address: &str, options: &str) -> Server {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let text = text.replace("BASE", &folder.path().display().to_string());
        fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
        fs::write(folder.path().join(name), text).unwrap();
    }
    let mut options = SshOptions::parse(options).unwrap();
    options.config = Some(folder.path().join(files.first().map_or("none", |(name, _)| name)));
    Server::new(&Address::parse(address.as_bytes()).unwrap(), &options)
}

fn configured(text: &str, address: &str) -> Server {
    server(&[("config", text)], address, "")
}

#[test]
fn without_a_word_about_it_a_server_is_reached_as_ssh_would() {
    let server = server(&[], "Host/x", "");
    assert_eq!((server.host.as_str(), server.port), ("host", 22));
    assert_eq!(server.user, local_user());
    assert!(server.identities.iter().any(|path| path.ends_with(".ssh/id_ed25519")));
    assert!(server.known_hosts[0].ends_with(".ssh/known_hosts"));
    assert_eq!((server.strangers, server.way), (Strangers::Refuse, Way::Directly));
}

#[test]
fn the_first_value_counts_and_the_address_before_all() {
    let text = "Host far*\n HostName 10.0.0.1\n Port 2222\n User first\nHost *\n Port 3333\n User second\n";
    let far = configured(text, "far1/x");
    assert_eq!((far.host.as_str(), far.port, far.user.as_str()), ("10.0.0.1", 2222, "first"));
    let near = configured(text, "near/x");
    assert_eq!((near.host.as_str(), near.port, near.user.as_str()), ("near", 3333, "second"));
    let typed = configured(text, "me@far1:7/x");
    assert_eq!((typed.port, typed.user.as_str()), (7, "me"));
    let said = server(&[("config", text)], "far1/x", "-p 8 -oUser=opt -oHostName=h");
    assert_eq!((said.host.as_str(), said.port, said.user.as_str()), ("h", 8, "opt"));
}

#[test]
fn patterns_can_be_taken_back_and_conditions_are_followed() {
    let text = "Host * !far\n Port 1\nMatch originalhost far user me\n Port 2\nMatch exec \"true\"\n Port 3\n\
        Match all\n Port 4\n";
    assert_eq!(configured(text, "near/x").port, 1);
    assert_eq!(configured(text, "me@far/x").port, 2);
    assert_eq!(configured(text, "you@far/x").port, 4, "what needs a program to be run does not hold");
}

#[test]
fn included_files_are_part_of_the_block_around_them() {
    let files = [
        ("config", "Host far\n Include BASE/parts/*.conf\nHost *\n Port 9\n"),
        ("parts/1.conf", "Port 1\n"),
        ("parts/2.conf", "Port 2\nUser two\nInclude BASE/config\n"),
        ("parts/3.other", "User three\n"),
    ];
    let far = server(&files, "far/x", "");
    assert_eq!((far.port, far.user.as_str()), (1, "two"));
    assert_eq!(server(&files, "near/x", "").port, 9);
}

#[test]
fn keys_known_hosts_and_ways_are_read_with_their_tokens() {
    let text = "Host far\n IdentityFile ~/k1\n IdentityFile \"/a b/%r@%h\"\n IdentitiesOnly yes\n\
        UserKnownHostsFile /k/%n /l\n GlobalKnownHostsFile none\n StrictHostKeyChecking accept-new\n\
        ProxyJump one@jump:7,[::1]:8\n ProxyCommand never\n HostKeyAlias = known\n IdentityAgent none\n\
        HostName %h.example\n PasswordAuthentication no\n";
    let far = configured(text, "me@far/x");
    assert_eq!(far.identities[1], Path::new("/a b/me@far.example"));
    assert!(far.identities[0].is_absolute() && far.identities_only);
    assert_eq!(far.known_hosts, [Path::new("/k/far"), Path::new("/l")]);
    assert_eq!((far.strangers, far.key_alias.as_deref()), (Strangers::Accept, Some("known")));
    assert_eq!(far.way, Way::Jumps(vec!["one@jump:7".into(), "[::1]:8".into()]));
    assert_eq!((far.agent, far.with_password, far.with_questions), (None, false, true));
    let command = server(&[], "me@far:7/x", "-o 'ProxyCommand=nc %h %p %%'");
    assert_eq!(command.way, Way::Command("nc far 7 %".into()));
}

#[test]
fn a_server_on_the_way_has_a_configuration_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    fs::write(&config, "Host jump\n User jumper\nHost *\n ProxyJump jump\n").unwrap();
    let options = SshOptions { config: Some(config), said: vec![("port".into(), "9".into())] };
    let jump = Server::on_the_way("jump", &options).unwrap();
    assert_eq!((jump.user.as_str(), jump.port, jump.way), ("jumper", 22, Way::Directly));
    assert_eq!(Server::on_the_way("me@jump:7", &options).unwrap().port, 7);
    assert_eq!(Server::on_the_way("[::1", &options), None);
}
