//! What the desktop knows and we ask it: so far, which drives there are. Without GTK.

pub mod drives;
