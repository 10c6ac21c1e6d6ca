//! Every metric of the service, each one documented field.
