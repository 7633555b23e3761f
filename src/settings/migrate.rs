//! Settings of earlier versions, brought into today's form.

use serde_json::Value;

/// What cannot be brought there is left as it is, and refused like anything that is not understood.
pub(super) fn to_today(content: &mut Value, version: u32) {
    if version < 2 {
        plans(content).for_each(say_by_what);
    }
}

fn plans(content: &mut Value) -> impl Iterator<Item = &mut Value> {
    content.get_mut("plans").and_then(Value::as_array_mut).into_iter().flatten()
}

/// Version 1 said only whether the backups are encrypted: it was by a password.
fn say_by_what(plan: &mut Value) {
    let Some(encrypt) = plan.get("encrypt").and_then(Value::as_bool) else { return };
    if let Some(fields) = plan.as_object_mut() {
        fields.remove("encrypt");
        fields.insert("protection".into(), if encrypt { "password" } else { "none" }.into());
        fields.insert("older_passwords".into(), false.into());
    }
}
