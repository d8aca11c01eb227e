//! Features, networks, trainer, fusion and the arithmetic audit. Pure; the only room that names `ruv_fann`.
