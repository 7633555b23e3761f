//! Commands of somebody's own around a plan's runs.

use serde::{Deserialize, Serialize};

/// Both for `/bin/sh`. What they are told is in the documentation of the module `hooks`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hooks {
    /// A run begins only when it has succeeded.
    pub before: Option<String>,
    /// After every run, however it ended.
    pub after: Option<String>,
    /// How long each may take, in seconds.
    pub patience: u64,
}

impl Default for Hooks {
    fn default() -> Self {
        Self { before: None, after: None, patience: 60 * 60 }
    }
}
