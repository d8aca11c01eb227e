//! The one integration binary.

mod anomalies;
mod cli;
mod input;
mod rooms;
