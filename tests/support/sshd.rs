//! OpenSSH's own server on the loopback, with keys and a configuration of its own; gone when dropped.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a server may take until it listens, on a busy computer.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Sshd {
    folder: TempDir,
    pub(crate) port: u16,
    more: String,
    /// Words before the program's own.
    wrapper: Vec<String>,
    server: Option<Child>,
}

impl Sshd {
    /// Lets in whoever has the key [`Self::identity`].
    pub(crate) fn start() -> Self {
        Self::with("", &[])
    }

    /// `more`: lines of its configuration, before the usual ones. `wrapper`: what starts it.
    pub(crate) fn with(more: &str, wrapper: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["host_key", "identity"] {
            make_key(&folder.path().join(name), "");
        }
        fs::copy(folder.path().join("identity.pub"), folder.path().join("authorized")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let wrapper = wrapper.iter().map(|&word| word.to_owned()).collect();
        let mut sshd = Self { folder, port, more: more.to_owned(), wrapper, server: None };
        sshd.run();
        sshd
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The private key that is let in.
    pub(crate) fn identity(&self) -> PathBuf {
        self.path("identity")
    }

    /// The server's public key, as in a file of known hosts.
    pub(crate) fn known_as(&self, name: &str) -> String {
        let key = fs::read_to_string(self.path("host_key.pub")).unwrap();
        let key: Vec<_> = key.split(' ').take(2).collect();
        format!("{name} {}\n", key.join(" "))
    }

    /// What ssh would read about this server, in a folder: `config`, `known_hosts`.
    pub(crate) fn introduce(&self, folder: &Path) {
        self.introduce_at(folder, self.port);
    }

    /// The same for a server that is reached by another port.
    pub(crate) fn introduce_at(&self, folder: &Path, port: u16) {
        fs::create_dir_all(folder).unwrap();
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
        let known_hosts = folder.join("known_hosts");
        fs::write(&known_hosts, self.known_as(&format!("[127.0.0.1]:{port}"))).unwrap();
        let (known_hosts, identity) = (known_hosts.display(), self.identity());
        let config = format!("UserKnownHostsFile {known_hosts}\nIdentityFile {}\n", identity.display());
        fs::write(folder.join("config"), config).unwrap();
    }

    /// `sftp://…`, for an absolute path.
    pub(crate) fn url(&self, path: &Path) -> String {
        format!("sftp://127.0.0.1:{}/{}", self.port, path.display())
    }

    pub(crate) fn run(&mut self) {
        let base = self.folder.path().display();
        // It takes one line of these only.
        let sftp = if self.more.contains("Subsystem") { "" } else { "Subsystem sftp internal-sftp\n" };
        let config = format!(
            "{}\n{sftp}Port {}\nListenAddress 127.0.0.1\nHostKey {base}/host_key\nAuthorizedKeysFile {base}/authorized\n\
             PidFile none\nUsePAM no\nStrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nMaxStartups 100\n",
            self.more, self.port
        );
        fs::write(self.path("config"), config).unwrap();
        if rustix::process::geteuid().is_root() {
            // Where systemd would have made it.
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let programs = ["/usr/sbin/sshd", "/usr/bin/sshd"];
        let program =
            programs.into_iter().find(|path| Path::new(path).exists()).expect("sshd is not installed");
        // Not even a test that is killed leaves it behind.
        let words = ["setpriv", "--pdeathsig", "KILL"].map(str::to_owned).into_iter();
        let mut words = words.chain(self.wrapper.iter().cloned()).chain([program.to_owned()]);
        let mut command = Command::new(words.next().unwrap());
        command.args(words).args(["-D", "-e", "-f"]).arg(self.path("config"));
        let log = fs::OpenOptions::new().create(true).append(true).open(self.path("log")).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.server = Some(command.spawn().unwrap());
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let running = self.server.as_mut().is_some_and(|server| server.try_wait().unwrap().is_none());
            assert!(running && begin.elapsed() < PATIENCE, "sshd does not run: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// As if somebody pulled the plug: the server and all its sessions at once.
    pub(crate) fn kill(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        for process in family(server.id()).into_iter().rev() {
            let process = rustix::process::Pid::from_raw(process as i32).unwrap();
            let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
        }
        server.wait().unwrap();
    }

    /// Its sessions, while the server itself goes on.
    pub(crate) fn kill_sessions(&self) {
        let server = self.server.as_ref().unwrap().id();
        for process in family(server).into_iter().skip(1) {
            let process = rustix::process::Pid::from_raw(process as i32).unwrap();
            let _ = rustix::process::kill_process(process, rustix::process::Signal::KILL);
        }
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The server needs either no other user than this one, or all of them: not where root is root by name only.
pub(crate) fn can_run() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let count: u64 = map.split_whitespace().nth(2).and_then(|count| count.parse().ok()).unwrap_or_default();
    count > 1
}

/// A process and those that it has started, parents first.
fn family(process: u32) -> Vec<u32> {
    let parent = |process: u32| -> Option<u32> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let numbers = fs::read_dir("/proc").unwrap();
    let numbers = numbers.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let parents: Vec<_> = numbers.filter_map(|number| Some((number, parent(number)?))).collect();
    let mut found = vec![process];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(number, _)| *number));
        next += 1;
    }
    found
}

/// A pair of files; without a passphrase if it is empty.
pub(crate) fn make_key(path: &Path, passphrase: &str) {
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", passphrase, "-C", "", "-f"]).arg(path);
    assert!(command.status().unwrap().success());
}

/// A folder of the server as a place of ours.
pub(crate) fn place(sshd: &Sshd, path: &Path) -> std::sync::Arc<dyn hindsight::destination::Destination> {
    place_at(sshd, sshd.port, path)
}

/// The same by another port.
pub(crate) fn place_at(
    sshd: &Sshd,
    port: u16,
    path: &Path,
) -> std::sync::Arc<dyn hindsight::destination::Destination> {
    use hindsight::destination::{Login, Spec, SshOptions};
    let home = sshd.path(&format!("home-{port}"));
    sshd.introduce_at(&home, port);
    let options = format!("-F '{}' -oIdentitiesOnly=yes", home.join("config").display());
    let login = Login { ssh: SshOptions::parse(&options).unwrap(), ..Login::default() };
    let url = format!("sftp://127.0.0.1:{port}/{}", path.display());
    std::sync::Arc::from(Spec::parse(url.as_ref()).unwrap().connect(login))
}
