//! Puts the parts of `run` together and takes them apart again.
