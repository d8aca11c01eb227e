//! Small feed-forward networks: description, running, explaining, training, judging and their files. The only crate
//! that names `ruv_fann`.
//!
//! A network's life: a [`spec::NetworkSpec`] says what it is, [`train`] or an import ([`ruv`], [`libfann`]) gives a
//! [`network::Network`], [`mod@file`] keeps it, [`evaluate::Evaluator`] runs it and [`gradient::Explainer`] explains it.
//! [`experiment::run`] trains, judges against logistic regression and calibrates.

pub mod activation;
mod card;
mod curve;
pub mod dataset;
pub mod evaluate;
pub mod experiment;
pub mod file;
pub mod gated;
pub mod gradient;
pub mod judging;
mod kernel;
pub mod libfann;
pub mod logistic;
pub mod metrics;
pub mod network;
mod optimizer;
pub mod random;
pub mod ruv;
pub mod spec;
pub mod train;
