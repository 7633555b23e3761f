//! The disappearance guard.
