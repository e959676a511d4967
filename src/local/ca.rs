//! The certificate authority of the stand-in.
