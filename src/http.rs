//! Health, metrics and admin routes.
