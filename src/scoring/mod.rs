//! Features, networks, trainer, fusion and the arithmetic audit. Pure; the only room that names `ruv_fann`.
//!
//! A network's life: a [`spec::NetworkSpec`] says what it is, [`train`] or an import ([`ruv`], [`libfann`]) gives a
//! [`network::Network`], [`mod@file`] keeps it, [`evaluate::Evaluator`] runs it and [`gradient::Explainer`] explains it.

pub mod activation;
pub mod anomalies;
pub mod audit;
pub mod card;
pub mod curve;
pub mod dataset;
pub mod evaluate;
pub mod experiment;
pub mod features;
pub mod file;
pub mod gated;
pub mod gradient;
pub mod judging;
mod kernel;
pub mod libfann;
pub mod logistic;
pub mod metrics;
pub mod network;
pub mod networks;
mod optimizer;
pub mod random;
pub mod recipes;
pub mod ruv;
pub mod spec;
pub mod statements;
pub mod train;
