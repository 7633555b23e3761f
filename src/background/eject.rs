//! Letting a drive go: unmounted, locked if it was unlocked, and switched off where it can be. By UDisks.

use std::collections::HashMap;

use zbus::fdo::{ManagedObjects, ObjectManagerProxy};
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, Proxy};

const NAME: &str = "org.freedesktop.UDisks2";
const PATH: &str = "/org/freedesktop/UDisks2";
const BLOCK: &str = "org.freedesktop.UDisks2.Block";
const DRIVE: &str = "org.freedesktop.UDisks2.Drive";

/// `uuid`: of the file system.
pub(super) async fn eject(system: &Connection, uuid: &str) -> zbus::Result<()> {
    let manager = ObjectManagerProxy::builder(system).destination(NAME)?.path(PATH)?.build().await?;
    let objects = manager.get_managed_objects().await?;
    let Some(device) = by_uuid(&objects, uuid) else { return Ok(()) };
    call(system, device, "org.freedesktop.UDisks2.Filesystem", "Unmount").await?;
    let mut device = device.clone();
    if let Some(backing) = path(&objects, &device, BLOCK, "CryptoBackingDevice") {
        call(system, &backing, "org.freedesktop.UDisks2.Encrypted", "Lock").await?;
        device = backing;
    }
    let Some(drive) = path(&objects, &device, BLOCK, "Drive") else { return Ok(()) };
    let can = |name| {
        let value = property(&objects, &drive, DRIVE, name);
        value.is_some_and(|value| bool::try_from(value).unwrap_or(false))
    };
    match (can("CanPowerOff"), can("Ejectable")) {
        (true, _) => call(system, &drive, DRIVE, "PowerOff").await,
        (false, true) => call(system, &drive, DRIVE, "Eject").await,
        (false, false) => Ok(()),
    }
}

fn by_uuid<'o>(objects: &'o ManagedObjects, uuid: &str) -> Option<&'o OwnedObjectPath> {
    objects.keys().find(|path| {
        let found = property(objects, path, BLOCK, "IdUUID");
        found.is_some_and(|value| <&str>::try_from(value).is_ok_and(|found| found == uuid))
    })
}

fn property<'o>(
    objects: &'o ManagedObjects,
    path: &OwnedObjectPath,
    interface: &str,
    name: &str,
) -> Option<&'o OwnedValue> {
    objects.get(path)?.get(interface)?.get(name)
}

/// `/` stands for none.
fn path(
    objects: &ManagedObjects,
    of: &OwnedObjectPath,
    interface: &str,
    name: &str,
) -> Option<OwnedObjectPath> {
    let value = property(objects, of, interface, name)?.try_clone().ok()?;
    OwnedObjectPath::try_from(value).ok().filter(|path| path.as_str() != "/")
}

async fn call(
    system: &Connection,
    path: &OwnedObjectPath,
    interface: &'static str,
    method: &'static str,
) -> zbus::Result<()> {
    let proxy = Proxy::new(system, NAME, path, interface).await?;
    proxy.call(method, &(HashMap::<&str, Value<'_>>::new(),)).await
}
