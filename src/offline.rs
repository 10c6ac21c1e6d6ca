//! Plans over event files without a broker: what `simulate` and `explain` share.
