//! Features, the shipped networks, fusion, anomalies and the arithmetic audit. Pure. The networks themselves are the
//! crate `docproc_networks`.

pub mod anomalies;
pub mod audit;
pub mod features;
pub mod networks;
pub(crate) mod recipes;
pub(crate) mod statements;
