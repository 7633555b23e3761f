//! Ways to be let in, and ways to get there.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::scene::{Scene, expect_refused};
use super::support::cli::{Outcome, ours};
use super::support::sshd::{Sshd, can_run, make_key};

#[test]
fn a_private_key_with_a_passphrase_needs_it() {
    let scene = Scene::new();
    make_key(&scene.ssh("locked"), "opens the key");
    fs::copy(scene.ssh("locked.pub"), scene.sshd.path("authorized")).unwrap();
    let config = fs::read_to_string(scene.ssh("config")).unwrap();
    let config =
        config.replace(scene.sshd.identity().to_str().unwrap(), scene.ssh("locked").to_str().unwrap());
    fs::write(scene.ssh("config"), config).unwrap();
    let begun = Instant::now();
    expect_refused(scene.backup(&ours(), "full"), begun, 51, "cannot be opened without a password");
    let with = |password: &str| {
        let mut command = scene.backup_command(&ours(), "full", &scene.url(), &[]);
        command.env("FTP_PASSWORD", password);
        Outcome::of(command)
    };
    let begun = Instant::now();
    let refused = with("does not open it");
    assert!(!refused.stderr.contains("does not open it"), "{refused}");
    expect_refused(refused, begun, 51, "is locked");
    with("opens the key").expect(0);
}

/// No key is offered.
const NO_KEYS: &str = "--ssh-options=-oPubkeyAuthentication=no";
/// Of the account, as its hash says below.
const ACCOUNT: &str = "of the account";
const HASH: &str =
    "$6$hindsight$N0U9XCXRBNErZN.mMzSLb6LJu/PKLxxWkQ42uGo5fBKZdda8Mru2Rng5eVX676MVX4a4ljhntm1s7WtarC9Is.";

/// A server for which this user has a password of its own. Only root can make that up.
fn with_password(more: &str) -> Option<Scene> {
    if !rustix::process::geteuid().is_root() || !can_run() {
        return None;
    }
    let shadow = tempfile::NamedTempFile::new().unwrap().into_temp_path();
    fs::write(&shadow, format!("root:{HASH}:19000:0:99999:7:::\n")).unwrap();
    // In a file system of the server's own.
    let script = format!("mount --bind {} /etc/shadow && exec \"$0\" \"$@\"", shadow.display());
    let scene = Scene::with(Sshd::with(more, &["unshare", "-m", "sh", "-c", &script]));
    Some(scene)
}

fn with_word(scene: &Scene, variable: &str, password: &str, url: &str) -> Outcome {
    let mut command = scene.backup_command(&ours(), "full", url, &[NO_KEYS]);
    command.env(variable, password);
    Outcome::of(command)
}

fn a_password_lets_in(scene: &Scene) {
    let url = scene.url();
    let begun = Instant::now();
    let refused = scene.backup_to(&url, &ours(), "full", &[NO_KEYS]);
    expect_refused(refused, begun, 51, "cannot be opened without a password");
    let begun = Instant::now();
    let refused = with_word(scene, "FTP_PASSWORD", "not this one", &url);
    assert!(!refused.stderr.contains("not this one"), "{refused}");
    expect_refused(refused, begun, 51, "lets nobody in");
    with_word(scene, "FTP_PASSWORD", ACCOUNT, &url).expect(0);
    with_word(scene, "BACKEND_PASSWORD", ACCOUNT, &url).expect(0);
    let typed = url.replace("sftp://", "sftp://root:of%20the%20account@");
    let outcome = with_word(scene, "FTP_PASSWORD", "the one in the address goes before", &typed).expect(0);
    let said = format!("{}{}", String::from_utf8_lossy(&outcome.stdout), outcome.stderr);
    assert!(!said.contains("of%20the") && !said.contains(ACCOUNT), "{said}");
    scene.expect_back(&ours());
}

#[test]
fn a_password_lets_in_where_the_server_takes_passwords() {
    let Some(scene) = with_password("PasswordAuthentication yes") else { return };
    a_password_lets_in(&scene);
    assert!(scene.sshd.log().contains("Accepted password"), "{}", scene.sshd.log());
}

#[test]
fn a_password_answers_the_questions_of_the_server() {
    let more = "UsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication no";
    let Some(scene) = with_password(more) else { return };
    a_password_lets_in(&scene);
    assert!(scene.sshd.log().contains("Accepted keyboard-interactive"), "{}", scene.sshd.log());
}

#[test]
fn a_key_in_the_agent_lets_in() {
    let scene = Scene::new();
    make_key(&scene.ssh("locked"), "only the agent knows");
    fs::copy(scene.ssh("locked.pub"), scene.sshd.path("authorized")).unwrap();
    let agent = Agent::start(&scene);
    let with_agent = |options: &str| {
        let mut command = scene.backup_command(&ours(), "full", &scene.url(), &["--ssh-options", options]);
        command.env("SSH_AUTH_SOCK", scene.ssh("agent"));
        Outcome::of(command)
    };
    let begun = Instant::now();
    expect_refused(with_agent(""), begun, 51, "lets nobody in");
    agent.add("locked", "only the agent knows", &scene);
    with_agent("").expect(0);
    let begun = Instant::now();
    expect_refused(with_agent("-oIdentitiesOnly=yes"), begun, 51, "lets nobody in");
    let named = format!("-oIdentitiesOnly=yes -i {}", scene.ssh("locked").display());
    std::thread::sleep(std::time::Duration::from_millis(1100));
    with_agent(&named).expect(0);
}

struct Agent(std::process::Child);

impl Agent {
    fn start(scene: &Scene) -> Self {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "ssh-agent", "-D", "-a"]).arg(scene.ssh("agent"));
        let agent = Self(command.stdout(Stdio::null()).spawn().unwrap());
        while !scene.ssh("agent").exists() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        agent
    }

    fn add(&self, name: &str, passphrase: &str, scene: &Scene) {
        let askpass = scene.ssh("askpass");
        fs::write(&askpass, format!("#!/bin/sh\necho '{passphrase}'\n")).unwrap();
        fs::set_permissions(&askpass, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let mut command = Command::new("ssh-add");
        command.arg(scene.ssh(name)).env("SSH_AUTH_SOCK", scene.ssh("agent")).stderr(Stdio::null());
        command.env("SSH_ASKPASS", askpass).env("SSH_ASKPASS_REQUIRE", "force").stdin(Stdio::null());
        assert!(command.status().unwrap().success());
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Only a server on the way knows the name of the other.
#[test]
fn a_server_is_reached_over_others() {
    let scene = Scene::new();
    let jump = Sshd::start();
    fs::copy(scene.sshd.path("identity.pub"), jump.path("authorized")).unwrap();
    let known = fs::read_to_string(scene.ssh("known_hosts")).unwrap();
    let known = known + &jump.known_as(&format!("[127.0.0.1]:{}", jump.port));
    fs::write(scene.ssh("known_hosts"), known).unwrap();
    let config = fs::read_to_string(scene.ssh("config")).unwrap();
    let aliases = format!(
        "Host far\n HostName 127.0.0.1\n Port {}\n ProxyJump near\nHost near\n HostName 127.0.0.1\n Port {}\n\
         Host nowhere\n ProxyJump near\n HostName 127.0.0.1\n Port 1\n",
        scene.sshd.port, jump.port
    );
    fs::write(scene.ssh("config"), config + &aliases).unwrap();
    let url = format!("sftp://far/{}", scene.repository.place().display());
    scene.backup_to(&url, &ours(), "full", &[]).expect(0);
    assert_eq!(jump.log().matches("Accepted publickey").count(), 1, "{}", jump.log());
    scene.expect_back(&ours());
    let begun = Instant::now();
    let refused = scene.backup_to(&url.replace("far", "nowhere"), &ours(), "full", &[]);
    expect_refused(refused, begun, 50, "near does not lead there");

    let command =
        format!("--ssh-options=-o 'ProxyCommand=ssh -F {} -W %h:%p near'", scene.ssh("config").display());
    scene.change(2);
    let far = format!("sftp://127.0.0.1:{}/{}", scene.sshd.port, scene.repository.place().display());
    scene.backup_to(&far, &ours(), "incremental", &[&command]).expect(0);
    assert_eq!(jump.log().matches("Accepted publickey").count(), 3, "{}", jump.log());
    scene.expect_back(&ours());
}
