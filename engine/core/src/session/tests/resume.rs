//! Sessions that are gone on with, and acknowledgements.
