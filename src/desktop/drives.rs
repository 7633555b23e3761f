//! The drives of this computer, as GIO's volume monitor tells them. For the main thread only, like the monitor.
//!
//! A drive is known by the UUID of its file system, which stays when it is plugged in elsewhere or mounted under
//! another path.

use std::path::PathBuf;

use gtk::gio;
use gtk::gio::prelude::*;

#[derive(Clone, PartialEq, Debug)]
pub struct Drive {
    pub uuid: String,
    /// As the file manager shows it.
    pub name: String,
    /// `None`: locked, or not mounted yet.
    pub mount: Option<PathBuf>,
    /// Only a password opens it.
    pub encrypted: bool,
}

/// Lives as long as somebody wants to hear of changes.
pub struct Drives {
    monitor: gio::VolumeMonitor,
    handlers: Vec<gtk::glib::SignalHandlerId>,
}

impl Drives {
    pub fn watch(changed: impl Fn() + Clone + 'static) -> Self {
        let monitor = gio::VolumeMonitor::get();
        let told = |changed: &(dyn Fn() + 'static)| changed();
        let (a, b, c, d, e) = (changed.clone(), changed.clone(), changed.clone(), changed.clone(), changed);
        let handlers = vec![
            monitor.connect_volume_added(move |_, _| told(&a)),
            monitor.connect_volume_removed(move |_, _| told(&b)),
            monitor.connect_volume_changed(move |_, _| told(&c)),
            monitor.connect_mount_added(move |_, _| told(&d)),
            monitor.connect_mount_removed(move |_, _| told(&e)),
        ];
        Self { monitor, handlers }
    }

    /// Drives that can be taken away, by name.
    pub fn list(&self) -> Vec<Drive> {
        let volumes = self.monitor.volumes();
        let mut drives: Vec<_> =
            volumes.iter().filter(|volume| is_external(volume)).filter_map(drive).collect();
        drives.sort_by(|a, b| a.name.cmp(&b.name));
        drives
    }
}

/// Mounts a drive that is connected, asking for its password by `operation` where it has one. Fine if it is mounted.
pub async fn mount(uuid: &str, operation: &impl IsA<gio::MountOperation>) -> Result<(), gtk::glib::Error> {
    let volumes = gio::VolumeMonitor::get().volumes();
    match volumes.iter().find(|volume| uuid_of(volume).as_deref() == Some(uuid)) {
        Some(volume) if volume.get_mount().is_none() => {
            volume.mount_future(gio::MountMountFlags::NONE, Some(operation)).await
        }
        Some(_) => Ok(()),
        None => Err(gtk::glib::Error::new(gio::IOErrorEnum::NotFound, "the drive is not connected")),
    }
}

impl Drop for Drives {
    fn drop(&mut self) {
        for handler in self.handlers.drain(..) {
            self.monitor.disconnect(handler);
        }
    }
}

fn drive(volume: &gio::Volume) -> Option<Drive> {
    let class = volume.identifier("class").map(String::from).unwrap_or_default();
    if class == "network" {
        return None;
    }
    let mount = volume.get_mount().and_then(|mount| mount.root().path());
    let icon = volume.symbolic_icon().to_string().map(String::from).unwrap_or_default();
    let encrypted = mount.is_none() && icon.contains("encrypted");
    Some(Drive { uuid: uuid_of(volume)?, name: volume.name().into(), mount, encrypted })
}

fn uuid_of(volume: &gio::Volume) -> Option<String> {
    volume.identifier("uuid").or_else(|| volume.uuid()).map(String::from)
}

fn is_external(volume: &gio::Volume) -> bool {
    volume
        .drive()
        .is_some_and(|drive| drive.is_removable() || drive.is_media_removable() || drive.can_eject())
}
